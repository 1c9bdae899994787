"""Who may come in: the Host, Origin and Authorization headers of a request (DESIGN D19)."""

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cloud.errors import NotAuthorised
from cloud.server.keys import Keys
from cloud.server.request_log import note_caller

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HINT = "send 'Authorization: Basic base64(key:secret)'; a client does so once cloud.setkey was called"


class Misdirected(NotAuthorised):
    """The request was meant for another server, or a web page of another server made it."""

    http_status = 403


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose jobs a request may see."""

    account: int
    parent_jid: int | None = None
    """The job that asks, when one does and says so."""
    key: str | None = None
    """The key that was shown; None when it was a job's token."""


class Gate:
    """Checks the headers of every request.

    A page that a user visits can make their browser send requests to a server on their own machine; with a name that
    resolves to 127.0.0.1 it can even read the answers. So the Host header must be one of `names` (or, with
    `any_address`, a bare address, which no attacker can make resolve elsewhere), and an Origin must be our own.
    """

    def __init__(
        self,
        keys: Keys,
        account_of_token: Callable[[str], int | None],
        names: Iterable[str] = (),
        *,
        any_address: bool = False,
    ) -> None:
        self._keys = keys
        self._account_of_token = account_of_token
        self._names = LOOPBACK_NAMES | {name.lower() for name in names}
        self._any_address = any_address
        self._good_hosts: set[bytes] = set()

    @property
    def keys(self) -> Keys:
        """Whose keys it knows."""
        return self._keys

    def check_source(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises:
        Misdirected: the Host is not ours, or the Origin is another's.
        """
        host = headers.get(b"host", b"")
        if host not in self._good_hosts:
            self._check_host(host)
        origin = headers.get(b"origin")
        if origin is not None and origin not in (b"http://" + host, b"https://" + host):
            raise Misdirected("a page of another server sent this request, and was refused")

    def admit(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Who is asking.

        Raises:
            NotAuthorised: no key, a wrong one, or an inactive one.
        """
        scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
        scheme = scheme.lower()
        if scheme == b"basic":
            try:
                key, separator, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                separator = ""
            if not separator:
                raise NotAuthorised("the Authorization header is not base64 of 'key:secret'", hint=_HINT)
            return _noted(self._acting(Caller(self._keys.account_of(key, secret), key=key), headers))
        if scheme == b"bearer":
            account = self._account_of_token(value.strip().decode("latin-1"))
            if account is None:
                raise NotAuthorised("the token of this job is not valid any more: the job has ended, or was taken back")
            return _noted(Caller(account, _parent(headers)))
        raise NotAuthorised("a key is needed", hint=_HINT)

    def _acting(self, caller: Caller, headers: Mapping[bytes, bytes]) -> Caller:
        """An administrator may ask on behalf of any account, which X-Picloud-Account names."""
        wanted = headers.get(b"x-picloud-account")
        if wanted is None or wanted == str(caller.account).encode():
            return caller
        if not self._keys.is_administrator(caller.account):
            raise Misdirected("X-Picloud-Account takes an administrator's key")
        if not wanted.isdigit() or len(wanted) > 18 or int(wanted) not in self._keys.accounts_with_keys():
            raise Misdirected(f"there is no account {wanted.decode('latin-1')[:20]!r}")
        return Caller(int(wanted), key=caller.key)

    def _check_host(self, host: bytes) -> None:
        name = host.decode("latin-1").lower()
        if name.startswith("["):
            name = name.partition("]")[0] + "]"
        else:
            name = name.partition(":")[0]
        if name not in self._names and not (self._any_address and _is_address(name)):
            raise Misdirected(
                f"this server is not called {name!r}", hint="add the name with `picloud serve --allow-host NAME`"
            )
        if len(self._good_hosts) < 64:
            self._good_hosts.add(host)


def _noted(caller: Caller) -> Caller:
    note_caller(caller.account, caller.parent_jid)
    return caller


def _parent(headers: Mapping[bytes, bytes]) -> int | None:
    """The jid in X-Picloud-Jid, which a job sends along with its token."""
    text = headers.get(b"x-picloud-jid", b"")
    return int(text) if text.isdigit() and len(text) < 19 else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
