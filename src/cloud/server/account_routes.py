"""Accounts as plain JSON: what each may have and has; made, named, limited and closed by administrators (D19)."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.dispatch.dispatcher import Dispatcher
from cloud.model import LIMITS, Account
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer
from cloud.server.key_routes import body_of, check_administrator
from cloud.server.keys import Keys

_CHANGES = {"name": str, "administrator": bool, "active": bool, "limits": dict}


class AccountRoutes:
    """Routes under /v1/accounts, for administrators, and /v1/account, for everybody."""

    def __init__(self, gate: Gate, dispatcher: Dispatcher) -> None:
        self._gate = gate
        self._keys = gate.keys
        self._dispatcher = dispatcher
        gate.keys.accounts = dispatcher.accounts  # what is changed here counts at once

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/account", guarded(self._gate, self._own), methods=["GET"]),
            Route("/v1/accounts", guarded(self._gate, self._list), methods=["GET"]),
            Route("/v1/accounts", guarded(self._gate, self._make), methods=["POST"]),
            Route("/v1/accounts/{account}", guarded(self._gate, self._show), methods=["GET"]),
            Route("/v1/accounts/{account}", guarded(self._gate, self._change), methods=["POST"]),
        ]

    async def _own(self, _request: Request, caller: Caller) -> Response:
        return JsonAnswer(plain_account(self._dispatcher, self._dispatcher.accounts.find(caller.account)))

    async def _list(self, _request: Request, caller: Caller) -> Response:
        check_administrator(self._keys, caller)
        found = [plain_account(self._dispatcher, account) for account in self._keys.every_account()]
        return JsonAnswer({"accounts": found})

    async def _show(self, request: Request, caller: Caller) -> Response:
        check_administrator(self._keys, caller)
        return JsonAnswer(plain_account(self._dispatcher, self._meant(request)))

    async def _make(self, request: Request, caller: Caller) -> Response:
        check_administrator(self._keys, caller)
        wanted = _changes_in(await body_of(request))
        with self._dispatcher.store.transaction():
            made = self._keys.make_account(wanted.get("name", ""))
            account = self._keys.change_account(made.account, **wanted)
        key = {"api_key": made.key, "api_secretkey": made.secret}
        return JsonAnswer({**plain_account(self._dispatcher, account), **key})

    async def _change(self, request: Request, caller: Caller) -> Response:
        check_administrator(self._keys, caller)
        account = self._meant(request)
        changed = change_account(self._dispatcher, self._keys, account.number, _changes_in(await body_of(request)))
        return JsonAnswer(plain_account(self._dispatcher, changed))

    def _meant(self, request: Request) -> Account:
        """The account in the path, by number or name."""
        word = str(request.path_params["account"])
        for account in self._keys.every_account():
            if word in (str(account.number), account.name):
                return account
        raise errors.InvalidSubmission(
            f"there is no account {word[:40]!r}", hint="`picloud accounts list` shows what there is"
        )


def plain_account(dispatcher: Dispatcher, account: Account) -> dict[str, Any]:
    """What is told of an account: itself, what it may have, and what it has, which is counted now. `slots` in `usage`
    are of this server."""
    allowance = dispatcher.accounts.allowance(account.number)
    used = {"slots": dispatcher.engine.used_by().get(account.number, 0), **dispatcher.usage.of(account.number)}
    return {
        "account": account.number, "name": account.name, "administrator": account.administrator,
        "active": account.active, "limits": {name: getattr(allowance, name) for name in LIMITS},
        "own_limits": dict(account.limits), "usage": used,
    }  # fmt: skip


def change_account(dispatcher: Dispatcher, keys: Keys, number: int, changes: Mapping[str, Any]) -> Account:
    """As `Keys.change_account`; jobs that a limit kept waiting may start at once."""
    account = keys.change_account(number, **changes)
    with dispatcher.step() as step:
        step.ready = True
    return account


def _changes_in(body: dict[str, Any]) -> dict[str, Any]:
    for name, value in body.items():
        if name not in _CHANGES or not isinstance(value, _CHANGES[name]):
            raise errors.InvalidSubmission(
                "of an account one says 'name', 'administrator' and 'active' (true or false), and 'limits', an object"
            )
    return body
