"""Keys of accounts: who may use this server, kept as hashed facts in its store (DESIGN D19)."""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloud.dispatch.accounts import Accounts
from cloud.dispatch.clock import SystemClock
from cloud.dispatch.ports import Store
from cloud.errors import InvalidSubmission, NotAuthorised
from cloud.model import Account

_PREFIX = "key/"
_KEY = re.compile("[0-9]{1,18}")
_HIGHEST = "keys/highest"
_HIGHEST_ACCOUNT = "accounts/highest"
_REMEMBERED_SECONDS = 10.0
_HINT = "set PICLOUD_API_KEY and PICLOUD_API_SECRETKEY, or call cloud.setkey(key, secret)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A new key with its secret, which is shown once and never stored."""

    key: str
    secret: str
    account: int

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, account={self.account})"


@dataclass(frozen=True, slots=True)
class Key:
    """What the store knows of a key."""

    key: str
    account: int
    active: bool
    note: str
    created_at: datetime


class Keys:
    """Makes, lists and checks keys.

    A secret is 256 random bits, so one SHA-256 of it is as hard to reverse as anything slower would be. A key that
    was right is remembered for ten seconds, by a digest, so that a burst of requests reads the store once and a key
    made inactive by another server of the same store is refused soon.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._remembered: dict[bytes, tuple[int, float]] = {}
        self.accounts = Accounts(store, SystemClock())
        """Whose keys they are."""

    def make(self, account: int, note: str = "") -> Credentials:
        """A new active key of an account, numbered after the highest so far."""
        secret = secrets.token_urlsafe(32)
        with self._store.transaction():
            number = int(self._store.get_fact(_HIGHEST) or 0) + 1
            key = str(number)
            self._store.set_fact(_HIGHEST, key)
            fact = {
                "account": account, "digest": _digest(key, secret), "active": True, "note": note,
                "created": datetime.now(UTC).isoformat(),
            }  # fmt: skip
            self._store.set_fact(_PREFIX + key, json.dumps(fact))
        return Credentials(key, secret, account)

    def make_account(self, note: str = "") -> Credentials:
        """A new account, numbered after the highest so far, and its first key."""
        with self._store.transaction():
            account = int(self._store.get_fact(_HIGHEST_ACCOUNT) or max(self.accounts_with_keys(), default=0)) + 1
            self._store.set_fact(_HIGHEST_ACCOUNT, str(account))
            return self.make(account, note)

    def every_account(self) -> list[Account]:
        """All that have or had a key, by number."""
        return [self.accounts.find(number) for number in sorted(self.accounts_with_keys())]

    def is_administrator(self, account: int) -> bool:
        """Whether its keys may make accounts, and see and change what all have."""
        return self.accounts.find(account).administrator

    def change_account(self, number: int, **changes: Any) -> Account:
        """As `Accounts.change`, of an account that has or had a key; one that is closed is refused at once here,
        within seconds at other servers of the store.

        Raises:
            InvalidSubmission: there is no such account, or it cannot be so.
        """
        if number not in self.accounts_with_keys():
            raise InvalidSubmission(f"there is no account {number}", hint="`picloud accounts list` shows what there is")
        account = self.accounts.change(number, **changes)
        self._remembered.clear()
        return account

    def find(self, key: str) -> Key:
        """A key.

        Raises:
            NotAuthorised: there is no such key.
        """
        text = self._fact(key)
        if text is None:
            raise no_such_key(key)
        return _key_of(key, text)

    def all(self) -> list[Key]:
        """The keys of all accounts, oldest first."""
        found = [_key_of(name.removeprefix(_PREFIX), text) for name, text in self._store.facts(_PREFIX).items()]
        return sorted(found, key=lambda k: int(k.key))

    def of_account(self, account: int) -> list[Key]:
        """All keys of an account, oldest first."""
        return [key for key in self.all() if key.account == account]

    def accounts_with_keys(self) -> set[int]:
        """Accounts that have or had a key."""
        return {int(json.loads(text)["account"]) for text in self._store.facts(_PREFIX).values()}

    def any(self) -> bool:
        """Whether a key was ever made here."""
        return self._store.get_fact(_HIGHEST) is not None

    def set_active(self, key: str, *, active: bool) -> None:
        """Open or close an account to a key; takes effect at once on this server, within seconds on others.

        Raises:
            NotAuthorised: there is no such key.
        """
        self._change(key, {"active": active})
        self._remembered.clear()

    def set_note(self, key: str, note: str) -> None:
        """What the key is for, for people to read.

        Raises:
            NotAuthorised: there is no such key.
        """
        self._change(key, {"note": note})

    def _change(self, key: str, fields: dict[str, Any]) -> None:
        with self._store.transaction():
            text = self._fact(key)
            if text is None:
                raise no_such_key(key)
            self._store.set_fact(_PREFIX + key, json.dumps({**json.loads(text), **fields}))

    def _fact(self, key: str) -> str | None:
        """The store is asked for what may be a key only: anybody may send anything."""
        return self._store.get_fact(_PREFIX + key) if _KEY.fullmatch(key) else None

    def account_of(self, key: str, secret: str) -> int:
        """The account that a key opens.

        Raises:
            NotAuthorised: no such key, another secret, or the key is inactive. Which of the first two is not said.
        """
        proof = hashlib.blake2b(f"{key}:{secret}".encode(), digest_size=32).digest()  # each request: quick
        remembered = self._remembered.get(proof)
        now = self._monotonic()
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        text = self._fact(key)
        fact: dict[str, Any] = json.loads(text) if text is not None else {"digest": "", "active": False, "account": 0}
        if not hmac.compare_digest(str(fact["digest"]), _digest(key, secret)):
            raise NotAuthorised("the key or its secret is wrong", hint=_HINT)
        if not fact["active"]:
            raise NotAuthorised(f"key {key} is inactive", hint="activate it, or use another key of the account")
        account = self.accounts.find(int(fact["account"]))
        if not account.active:
            raise NotAuthorised(f"{account.title} is closed", hint="an administrator of this server can open it again")
        self._remembered[proof] = (account.number, now + _REMEMBERED_SECONDS)
        return account.number


def no_such_key(key: str) -> NotAuthorised:
    """The error for a key that is not there, or is none of the caller's business."""
    return NotAuthorised(f"there is no key {key:.100} here, or it is another account's")


def _key_of(key: str, text: str) -> Key:
    fact = json.loads(text)
    return Key(key, fact["account"], fact["active"], fact["note"], datetime.fromisoformat(fact["created"]))


def _digest(key: str, secret: str) -> str:
    return hashlib.sha256(f"{key}:{secret}".encode()).hexdigest()
