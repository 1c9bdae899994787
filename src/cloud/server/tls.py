"""The certificate of a server that speaks TLS itself."""

import logging
import ssl

from cloud.config import ConfigError

log = logging.getLogger("cloud.server")


class Tls:
    """A certificate and its key, in files that may be replaced while the server runs.

    Raises:
        ConfigError: they cannot be read, are no certificate and key, or do not belong together.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._files = certificate, key
        self.context = _context(*self._files)
        """For the listener; it stays the same object."""

    def reload(self) -> None:
        """New connections get what is in the files now; if that is of no use, what was there before."""
        try:
            _context(*self._files)  # so that a mistake changes nothing
            self.context.load_cert_chain(*self._files)
        except (ConfigError, OSError) as error:
            log.error("the certificate is not replaced: %s", error)
        else:
            log.info("the certificate was read again from %s", self._files[0])


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for what, file in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            with open(file, "rb"):
                pass
        except OSError as error:
            raise ConfigError(f"[server] {what} cannot be read from {file!r}: {error.strerror}") from None
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        said = str(getattr(error, "reason", None) or error)
        raise ConfigError(
            f"{certificate!r} and {key!r} are not a certificate and its key, in PEM and without a password: {said}"
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
