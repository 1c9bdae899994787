"""Accounts as the store remembers them: names, who is an administrator, limits (DESIGN D19)."""

import json
from dataclasses import replace
from typing import Any

from cloud.dispatch.ports import Clock, Store
from cloud.errors import InvalidSubmission
from cloud.model import FIRST_ACCOUNT, LIMITS, Account, Allowance

REMEMBERED_SECONDS = 2.0
"""Another server of the same store may have changed it meanwhile."""
LONGEST_NAME = 100
_PREFIX = "account/"
UNLIMITED = Allowance()


class Accounts:
    """Reads and changes them. What nobody has said anything about is an account without a name or limits of its own.

    `defaults` are the limits of all accounts but administrators', where none were set for the account itself.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.defaults = UNLIMITED
        self._store = store
        self._clock = clock
        self._remembered: dict[int, tuple[float, Account]] = {}

    def find(self, number: int) -> Account:
        """One of them, as it was at most `REMEMBERED_SECONDS` ago."""
        now = self._clock.monotonic()
        remembered = self._remembered.get(number)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        account = _read(number, self._store.get_fact(_PREFIX + str(number)))
        self._remembered[number] = now + REMEMBERED_SECONDS, account
        return account

    def named(self) -> list[Account]:
        """All of which something was said, by number."""
        found = {int(name.removeprefix(_PREFIX)): text for name, text in self._store.facts(_PREFIX).items()}
        return [_read(number, found[number]) for number in sorted(found)]

    def allowance(self, number: int) -> Allowance:
        """How much it may have."""
        account = self.find(number)
        defaults = UNLIMITED if account.administrator else self.defaults
        return defaults.changed(account.limits) if account.limits else defaults

    def change(self, number: int, **changes: Any) -> Account:
        """Say something about an account: `name`, `administrator`, `active`, `limits` (of which those that are not
        given stay as they are; the word 'default' takes one back).

        Raises:
            InvalidSubmission: it cannot be so, or another account has the name.
        """
        with self._store.transaction():
            account = _read(number, self._store.get_fact(_PREFIX + str(number)))
            if "limits" in changes:
                changes["limits"] = _limits({**account.limits, **changes["limits"]})
            account = replace(account, **changes)
            self._check(account)
            fact = {
                "name": account.name, "administrator": account.administrator, "active": account.active,
                "limits": dict(account.limits),
            }  # fmt: skip
            self._store.set_fact(_PREFIX + str(number), json.dumps(fact))
        self._remembered.pop(number, None)
        return account

    def _check(self, account: Account) -> None:
        if len(account.name) > LONGEST_NAME or not account.name.isprintable() or account.name.isdigit():
            raise InvalidSubmission(
                f"the name of an account has at most {LONGEST_NAME} characters that can be seen, and is no number"
            )
        if account.name and any(a.name == account.name and a.number != account.number for a in self.named()):
            raise InvalidSubmission(f"another account is called {account.name!r}", hint="choose another name")
        if account.number == FIRST_ACCOUNT and not (account.active and account.administrator):
            raise InvalidSubmission("the first account of a server stays active, and its administrator")


def _limits(given: dict[str, Any]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for name, value in given.items():
        if name not in LIMITS:
            raise InvalidSubmission(f"there is no limit {name!r:.50}; there are: {', '.join(LIMITS)}")
        if value == "default":
            continue
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 62):
            raise InvalidSubmission(f"{name} must be a number from 0 on, null (no limit) or 'default'")
        found[name] = value
    return found


def _read(number: int, text: str | None) -> Account:
    first = number == FIRST_ACCOUNT
    if text is None:
        return Account(number, administrator=first)
    fact = json.loads(text)
    return Account(number, fact["name"], first or fact["administrator"], first or fact["active"], fact["limits"])
