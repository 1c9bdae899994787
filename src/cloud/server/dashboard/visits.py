"""Who looks at the dashboard: sign-in links, the cookie of a browser, the token that its forms carry."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloud.dispatch.ports import Store
from cloud.errors import NotAuthorised
from cloud.server.gate import Caller
from cloud.server.keys import Keys

LINK_SECONDS = 300
"""How long a one-time link is good."""
VISIT_SECONDS = 30 * 86400
"""How long a browser stays signed in."""
_SIGNER = "dashboard/secret"
_ENDED = "dashboard/ended/"
_LINKS = "dashboard/link/"
MOST_LINKS = 1000
"""So many are remembered that nobody used yet."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in browser."""

    caller: Caller
    csrf: str
    """What every form that changes something must send along: pages of others cannot know it."""
    own_account: int
    """Of the key that signed in; another than the caller's while an administrator looks at that one."""

    @property
    def elsewhere(self) -> bool:
        """Whether an administrator looks at another account."""
        return self.own_account != self.caller.account


class Visits:
    """Makes and reads cookies. A cookie is signed with a secret of the store, so it outlives the server; it says
    which key signed in, and is good for as long as that key is active and nobody signed out. What was signed out is
    remembered in the store until the cookie is too old anyway, so a copy of it opens nothing. Links are there too, so
    that they lead in at whichever server of several they come to; by digest: who reads the store learns none."""

    def __init__(
        self, store: Store, keys: Keys, wall: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store = store
        self._keys = keys
        self._wall = wall
        self._secret = b""

    def link(self, key: str) -> str:
        """A token that signs in, once, as the holder of this key."""
        now = self._wall()
        token = secrets.token_urlsafe(32)
        with self._store.transaction():
            known = sorted(self._store.facts(_LINKS).items(), key=lambda item: _until(item[1]))
            for at, (name, held) in enumerate(known):
                if _until(held) <= now or len(known) - at >= MOST_LINKS:
                    self._store.set_fact(name, None)
            self._store.set_fact(_name_of(token), f"{now + LINK_SECONDS} {key}")
        return token

    def by_link(self, token: str) -> str:
        """The cookie for a link, which is used up by this.

        Raises:
            NotAuthorised: it is unknown, used or too old.
        """
        name = _name_of(token)
        held = self._store.get_fact(name)
        if held is not None:
            with self._store.transaction():
                held = self._store.get_fact(name)  # nobody else writes now: of several who come at once, one finds it
                self._store.set_fact(name, None)
        if held is None or _until(held) <= self._wall():
            raise NotAuthorised("this link was used before, or is too old", hint="`picloud dashboard` makes a new one")
        return self._cookie(held.partition(" ")[2])

    def by_key(self, key: str, secret: str) -> str:
        """The cookie for a key.

        Raises:
            NotAuthorised: it is wrong, or inactive.
        """
        self._keys.account_of(key, secret)
        return self._cookie(key)

    def read(self, cookie: str, looks_at: int | None = None) -> Visit | None:
        """Who shows this cookie; None: nobody that may come in.

        Args:
            looks_at: an account to whose pages an administrator goes instead of the own ones.
        """
        said = self._said(cookie)
        if said is None:
            return None
        key, until, number = said.split(".")
        if float(until) < self._wall() or self._store.get_fact(_ENDED + number) is not None:
            return None
        try:
            found = self._keys.find(key)
        except NotAuthorised:
            return None
        if not (found.active and self._keys.accounts.find(found.account).active):
            return None
        account = found.account
        if looks_at not in (None, account) and self._keys.is_administrator(account):
            account = looks_at if looks_at in self._keys.accounts_with_keys() else account
        return Visit(Caller(account, key=key), self._sign("form", said), found.account)

    def end(self, cookie: str) -> None:
        """Sign out: this cookie, and every copy of it, is good for nothing any more."""
        said = self._said(cookie)
        if said is None:
            return
        now = self._wall()
        _, until, number = said.split(".")
        with self._store.transaction():
            self._store.set_fact(_ENDED + number, until)
            for name, then in self._store.facts(_ENDED).items():
                if float(then) < now:
                    self._store.set_fact(name, None)

    def _said(self, cookie: str) -> str | None:
        """'key.until.number' of a cookie that we signed."""
        said, _, proof = cookie.rpartition(".")
        if not said.isascii() or not hmac.compare_digest(proof.encode(), self._sign("visit", said).encode()):
            return None
        return said

    def _cookie(self, key: str) -> str:
        said = f"{key}.{int(self._wall()) + VISIT_SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{said}.{self._sign('visit', said)}"

    def _sign(self, purpose: str, said: str) -> str:
        if not self._secret:
            text = self._store.get_fact(_SIGNER)
            if text is None:
                with self._store.transaction():
                    text = self._store.get_fact(_SIGNER)  # another server may have made it meanwhile
                    if text is None:
                        text = secrets.token_urlsafe(32)
                        self._store.set_fact(_SIGNER, text)
            self._secret = text.encode()
        return hmac.new(self._secret, f"{purpose}:{said}".encode(), hashlib.sha256).hexdigest()


def _name_of(token: str) -> str:
    return _LINKS + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _until(held: str) -> float:
    return float(held.partition(" ")[0])
