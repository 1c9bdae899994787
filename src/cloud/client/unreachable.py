"""What to tell a user whose server does not answer, or not as ours do: which one, why, and what to do next.

The socket's error is told in words, and its traceback is not shown: nobody but us could use it.
"""

import re
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from cloud.client.connection import CONNECT_SECONDS, Answer, Lost
from cloud.errors import CloudException, NotAuthorised, ProtocolMismatch, ServerUnavailable

_SET_BY = "PICLOUD_URL, cloud.setkey, or url in cloudconf.py"
_KEY_HINT = "set PICLOUD_API_KEY and PICLOUD_API_SECRETKEY, or call cloud.setkey(key, secret)"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_ACCOUNT = re.compile(r"//[^/@]*@")
_PROBE_SECONDS = 3.0


def shown(url: str) -> str:
    """The address without a name and password in it."""
    return _ACCOUNT.sub("//", url)


def unreachable(url: str, error: Exception, *, own: bool = False) -> ServerUnavailable:
    """The error for a request that got no answer.

    Args:
        url: of the server.
        error: `OSError`, or `Lost`.
        own: whether it is the server of this user, which starts by itself.
    """
    if own:
        hint = "what it has stored is safe; `picloud logs` shows what it said last, `picloud start` starts it"
    else:
        hint = f"what it has stored is safe; see whether it runs, and whether this is its address ({_SET_BY})"
    return ServerUnavailable(f"the server at {shown(url)} cannot be reached: {_in_words(url, error)}", hint=hint)


def never_reachable(url: str, error: Exception) -> ServerUnavailable | None:
    """The error for what will not pass by waiting: one of the two speaks TLS, or another certificate is needed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ServerUnavailable(
            f"the certificate of {shown(url)} is not valid: {error.verify_message}",
            hint="name the file of the authority that signed it in SSL_CERT_FILE, and use the name that is in it",
        )
    there = _there(url)
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return ServerUnavailable(
            f"what listens at {there} does not speak TLS, as the address {shown(url)} says",
            hint=f"the address may have to be http://{there} ({_SET_BY})",
        )
    return None


def never_answered(url: str, error: CloudException) -> CloudException:
    """The error for a server that hangs up on us without a word, which those with TLS do. Whether it is one is asked at
    the end only: it may have been about to start."""
    if not _speaks_tls(url):
        return error
    return ServerUnavailable(
        f"what listens at {_there(url)} speaks TLS, and the address {shown(url)} does not say so",
        hint=f"the address may have to be https://{_there(url)} ({_SET_BY})",
    )


def foreign(answer: Answer, url: str) -> CloudException:
    """The error for an answer that is not of our protocol: from a proxy, or another program on that port."""
    said = f"{shown(url)} answered with HTTP status {answer.status}{_excerpt(answer)}"
    if answer.status in (502, 503, 504):
        return ServerUnavailable(said, status=answer.status, retry=True, hint="see whether the server behind it runs")
    if answer.status in (401, 403):
        return NotAuthorised(said, status=answer.status, hint=_KEY_HINT)
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "somewhere else")
        return ServerUnavailable(said, status=answer.status, hint=f"set PICLOUD_URL to where it points: {where}")
    return ProtocolMismatch(
        f"{said}; this is not a picloud server of our version",
        status=answer.status,
        hint=f"check the address ({_SET_BY}), and that client and server are the same major version",
    )


def refused(error: CloudException, url: str, key: str | None) -> CloudException:
    """The server's own refusal of a key, with which server and which key."""
    if isinstance(error, NotAuthorised):
        who = f"key {key}" if key is not None else "requests without a key"
        error.parameter = f"the server at {shown(url)} refuses {who}: {error.parameter}"
        if key is None:
            error.hint = _KEY_HINT
    return error


def _in_words(url: str, error: Exception) -> str:
    parts = urlsplit(url)
    there = f"port {parts.port or (443 if parts.scheme == 'https' else 80)} of {parts.hostname}"
    if isinstance(error, Lost):
        return str(error)
    if isinstance(error, socket.gaierror):
        return f"no machine named {parts.hostname} is known here ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {there} (connection refused)"
    if isinstance(error, TimeoutError):
        return f"no answer from {there} in time ({CONNECT_SECONDS:.0f} seconds to connect, then longer)"
    return f"{error.strerror or error} ({type(error).__name__})" if isinstance(error, OSError) else str(error)


def _there(url: str) -> str:
    return shown(url).partition("://")[2]


def _excerpt(answer: Answer) -> str:
    """Some of its text, of a web page the title."""
    text = bytes(answer.body[:4096]).decode("utf-8", "replace").strip()
    title = _TITLE.search(text)
    text = " ".join((title[1] if title else text).split())
    return f": {text[:200]}" if text else ""


def _speaks_tls(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    anyone: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # nothing is sent, and nothing believed
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), _PROBE_SECONDS) as plain:
            anyone.wrap_socket(plain, server_hostname=parts.hostname).close()
    except (OSError, ValueError):
        return False
    return True
