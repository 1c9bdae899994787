"""The Account page: what the account may have and has; for administrators, all accounts and what they submitted."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.model import LIMITS, Account, Submission
from cloud.server.account_routes import change_account, plain_account
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.listing import Row, row_of
from cloud.server.dashboard.visits import Visit
from cloud.server.gate import Gate

_NEWEST = 20
_LOOKED_AT = 200
TITLES = {
    "slots": "Slots at a time", "queued_jobs": "Jobs not taken yet", "stored_bytes": "Stored bytes", "files": "Files",
}  # fmt: skip
"""Of the limits there are, for people."""
assert set(TITLES) == set(LIMITS)


@dataclass(frozen=True, slots=True)
class Theirs:
    """A submission, and whose it is."""

    account: Account
    row: Row


class AccountPage:
    """An administrator looks at another account's pages by taking its place for a while."""

    def __init__(self, desk: Desk, doorway: Doorway, gate: Gate) -> None:
        self._desk = desk
        self._doorway = doorway
        self._keys = gate.keys

    def routes(self) -> list[Route]:
        """The page, and what its buttons do."""
        visited = self._doorway.visited
        return [
            Route("/account", visited(self._page), methods=["GET"]),
            Route("/account/look", visited(self._look), methods=["POST"]),
            Route("/account/change", visited(self._change), methods=["POST"]),
        ]

    async def _page(self, request: Request, visit: Visit) -> Response:
        dispatcher = self._desk.core.dispatcher
        mine = plain_account(dispatcher, dispatcher.accounts.find(visit.caller.account))
        administrator = self._is_administrator(visit)
        others = [plain_account(dispatcher, a) for a in self._keys.every_account()] if administrator else []
        return self._desk.page(
            request, "account.html", visit, here="account", mine=mine, administrator=administrator, others=others,
            titles=TITLES, newest=self._newest() if administrator else [],
        )  # fmt: skip

    async def _look(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        account = self._meant(form, visit)
        answer = self._desk.back(request, form, f"You look at the jobs, files and keys of {account.title}.")
        self._doorway.look_at(request, answer, account.number)
        return answer

    async def _change(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        account = self._meant(form, visit)
        limits = {name: _limit_in(form[name]) for name in LIMITS if name in form}
        name = " ".join(form.get("name", account.name).split())
        active = form["active"] == "yes" if "active" in form else account.active
        changes = {"name": name, "active": active, "limits": limits}
        change_account(self._desk.core.dispatcher, self._keys, account.number, changes)
        self._desk.watchers.look_again()
        return self._desk.back(request, form, f"{self._keys.accounts.find(account.number).title} is changed.")

    def _meant(self, form: dict[str, str], visit: Visit) -> Account:
        if not self._is_administrator(visit):
            raise errors.NotAuthorised("that takes an administrator's key")
        number = forms.whole(form.get("account", ""))
        if number is None or number not in self._keys.accounts_with_keys():
            raise errors.InvalidSubmission("there is no such account")
        return self._keys.accounts.find(number)

    def _is_administrator(self, visit: Visit) -> bool:
        return self._keys.is_administrator(visit.own_account)

    def _newest(self) -> list[Theirs]:
        """What all accounts submitted last."""
        store, found = self._desk.store, []
        for listed in store.newest(_LOOKED_AT):
            submission: Submission | None = store.submission(listed.sid)
            if submission is not None and submission.count:
                found.append(Theirs(self._keys.accounts.find(listed.account), row_of(store, submission)))
            if len(found) == _NEWEST:
                break
        return found


def _limit_in(text: str) -> int | str | None:
    """What somebody wrote into the field of a limit: a number, 'none', or nothing for the default."""
    text = text.strip().replace(",", "")
    if not text:
        return "default"
    if text.lower() in ("none", "no limit"):
        return None
    number = forms.whole(text)
    if number is None:
        raise errors.InvalidSubmission(f"a limit is a whole number, 'none' or nothing, not {text[:40]!r}")
    return number
