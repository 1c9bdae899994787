"""Keys of accounts as plain JSON: listed, made, switched on and off (SPEC B.9, DESIGN D19)."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.model import Account
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import Answer, Endpoint, guarded
from cloud.server.json_answer import JsonAnswer
from cloud.server.keys import Credentials, Key, Keys, no_such_key

_MOST_BYTES = 64 << 10
_LONGEST_NOTE = 1000


class KeyRoutes:
    """Routes under /v1/keys. A key manages the keys of its account, an administrator's key all; a job manages none:
    what it has is good for its lifetime only."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._keys = gate.keys

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/keys", self._guarded(self._list), methods=["GET"]),
            Route("/v1/keys", self._guarded(self._make), methods=["POST"]),
            Route("/v1/keys/{key}", self._guarded(self._show), methods=["GET"]),
            Route("/v1/keys/{key}/activate", self._guarded(self._activate), methods=["POST"]),
            Route("/v1/keys/{key}/deactivate", self._guarded(self._deactivate), methods=["POST"]),
        ]

    def _guarded(self, answer: Answer) -> Endpoint:
        async def of_a_key(request: Request, caller: Caller) -> Response:
            if caller.key is None:
                raise errors.NotAuthorised(
                    "a job cannot manage keys", hint="do it in a program that has a key of the account"
                )
            return await answer(request, caller)

        return guarded(self._gate, of_a_key)

    async def _list(self, request: Request, caller: Caller) -> Response:
        if request.query_params.get("all", "") in ("1", "true", "yes"):
            check_administrator(self._keys, caller)
            found = self._keys.all()
        else:
            found = self._keys.of_account(caller.account)
        return JsonAnswer({"keys": [self._plain(key) for key in found]})

    async def _make(self, request: Request, caller: Caller) -> Response:
        wanted = await body_of(request)
        note, new_account = wanted.get("note", ""), wanted.get("new_account", False)
        if not isinstance(note, str) or len(note) > _LONGEST_NOTE or not isinstance(new_account, bool):
            raise errors.InvalidSubmission(
                f"a key is made of a 'note', at most {_LONGEST_NOTE} characters, and 'new_account', true or false"
            )
        if new_account:
            check_administrator(self._keys, caller)
            made = self._keys.make_account(note)
        else:
            made = self._keys.make(caller.account, note)
        return JsonAnswer(self._with_secret(made))

    async def _show(self, request: Request, caller: Caller) -> Response:
        return JsonAnswer(self._plain(self._find(request, caller)))

    async def _activate(self, request: Request, caller: Caller) -> Response:
        key = self._find(request, caller)
        self._keys.set_active(key.key, active=True)
        return JsonAnswer(self._plain(self._keys.find(key.key)))

    async def _deactivate(self, request: Request, caller: Caller) -> Response:
        key = self._find(request, caller)
        if key.key == caller.key:
            raise errors.InvalidSubmission(
                f"key {key.key} cannot deactivate itself", hint="do it with another key of the account"
            )
        self._keys.set_active(key.key, active=False)
        return JsonAnswer(self._plain(self._keys.find(key.key)))

    def _find(self, request: Request, caller: Caller) -> Key:
        """The key in the path, if it is the caller's business."""
        key = self._keys.find(str(request.path_params["key"])[:100])
        if key.account != caller.account and not self._keys.is_administrator(caller.account):
            raise no_such_key(key.key)
        return key

    def _plain(self, key: Key) -> dict[str, Any]:
        return plain_key(key, self._keys.accounts.find(key.account))

    def _with_secret(self, made: Credentials) -> dict[str, Any]:
        return {**self._plain(self._keys.find(made.key)), "api_secretkey": made.secret}


def check_administrator(keys: Keys, caller: Caller) -> None:
    """Raises:
    NotAuthorised: the caller is none.
    """
    if caller.key is None or not keys.is_administrator(caller.account):
        raise errors.NotAuthorised(
            "that takes an administrator's key", hint="the keys of the first account of a server are administrator's"
        )


def plain_key(key: Key, account: Account) -> dict[str, Any]:
    """What is told of a key."""
    return {
        "api_key": key.key, "account": key.account, "active": key.active, "note": key.note,
        "created": key.created_at.isoformat(), "administrator": account.administrator, "account_name": account.name,
    }  # fmt: skip


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; {} for an empty body."""
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BYTES:
            raise errors.InvalidSubmission("that is too long")
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise errors.InvalidSubmission('expected a JSON object, such as {"note": "for the night shift"}')
    return found
