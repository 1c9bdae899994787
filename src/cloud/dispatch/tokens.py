"""Tokens with which jobs talk to their own server: good for the job's account while its claim lives (DESIGN D12).

A token says which claim it is for and is signed with a secret of the store. So every server of the store knows a good
one, also a server that started later: jobs on other machines go on while servers come and go.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

from cloud.dispatch.ports import Claim, Store
from cloud.model import Stretch

_FACT = "server/token-secret"
_REMEMBERED_SECONDS = 2.0
"""So long a claim of another server counts as alive without another look."""
_MOST_REMEMBERED = 10_000
_MAC_BYTES = 24


class JobTokens:
    """Made with each claim, good for nothing after its end.

    Args:
        store: keeps the secret, and knows which claims of other servers live.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wanted = True
        """Whether jobs need any: where they talk through their workers' pipes they do not, and get empty ones."""
        self._store = store
        self._monotonic = monotonic
        self._secret = b""
        self._live: dict[int, int] = {}
        self._remembered: dict[bytes, tuple[int, float]] = {}

    def load(self) -> None:
        """Know the secret; the first server of a store makes it. Inside a transaction, once, first."""
        text = self._store.get_fact(_FACT)
        if text is None:
            text = secrets.token_hex(32)
            self._store.set_fact(_FACT, text)
        self._secret = bytes.fromhex(text)

    def new(self, claim: Claim, account: int) -> str:
        """The token of a claim; it opens nothing before the claim is there."""
        if not self.wanted:
            return ""
        about = f"{claim.cid}.{claim.sid}.{claim.lo}.{claim.hi}.{account}"
        return f"{about}.{self._mac(about.encode()).decode()}"

    def begin(self, cid: int, account: int) -> None:
        """This claim is ours and lives."""
        self._live[cid] = account

    def end(self, cid: int) -> None:
        """The claim is over, or not ours any more."""
        self._live.pop(cid, None)

    def account_of(self, token: str) -> int | None:
        """The account a token is good for, or None.

        Raises:
            ServerUnavailable: it may be another server's, and the store cannot be asked.
        """
        about, _, mac = token.encode().rpartition(b".")
        if not hmac.compare_digest(self._mac(about), mac):
            return None
        cid, sid, lo, hi, account = map(int, about.split(b"."))
        if cid in self._live:
            return account
        now = self._monotonic()
        seen = self._remembered.get(about)
        if seen is not None and now < seen[1]:
            return seen[0]
        with self._store.reading():
            alive = any(claim.cid == cid for claim in self._store.claims(Stretch(sid, lo, hi)))
        if not alive:
            return None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[about] = account, now + _REMEMBERED_SECONDS
        return account

    def _mac(self, about: bytes) -> bytes:
        return urlsafe_b64encode(hashlib.blake2b(about, key=self._secret, digest_size=_MAC_BYTES).digest())
