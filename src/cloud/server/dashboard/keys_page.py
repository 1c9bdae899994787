"""The Keys page: who may come in as this account."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.visits import Visit
from cloud.server.gate import Gate
from cloud.server.keys import Credentials, Key, no_such_key

_LONGEST_NOTE = 200


class KeysPage:
    """Keys of the account; a secret is shown when it is made, and never again."""

    def __init__(self, desk: Desk, doorway: Doorway, gate: Gate) -> None:
        self._desk = desk
        self._doorway = doorway
        self._keys = gate.keys

    def routes(self) -> list[Route]:
        """The page, and what its buttons do."""
        visited = self._doorway.visited
        return [
            Route("/keys", visited(self._list), methods=["GET"]),
            Route("/keys", visited(self._make), methods=["POST"]),
            Route("/keys/{key}/activate", visited(self._activate), methods=["POST"]),
            Route("/keys/{key}/deactivate", visited(self._deactivate), methods=["POST"]),
            Route("/keys/{key}/note", visited(self._note), methods=["POST"]),
        ]

    async def _list(self, request: Request, visit: Visit) -> Response:
        return self._shown(request, visit)

    async def _make(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        note = _note_in(form)
        if "new_account" in form:
            if not self._keys.is_administrator(visit.caller.account):
                raise errors.NotAuthorised("that takes an administrator's key")
            return self._shown(request, visit, self._keys.make_account(note))
        return self._shown(request, visit, self._keys.make(visit.caller.account, note))

    async def _activate(self, request: Request, visit: Visit) -> Response:
        key, form = await self._meant(request, visit)
        self._keys.set_active(key.key, active=True)
        return self._desk.back(request, form, f"Key {key.key} is active.")

    async def _deactivate(self, request: Request, visit: Visit) -> Response:
        key, form = await self._meant(request, visit)
        if key.key == visit.caller.key:
            raise errors.InvalidSubmission(
                f"you are signed in with key {key.key}", hint="sign in with another one to deactivate it"
            )
        self._keys.set_active(key.key, active=False)
        self._desk.watchers.look_again()
        return self._desk.back(request, form, f"Key {key.key} is inactive: nobody comes in with it any more.")

    async def _note(self, request: Request, visit: Visit) -> Response:
        key, form = await self._meant(request, visit)
        self._keys.set_note(key.key, _note_in(form))
        return self._desk.back(request, form, f"Key {key.key} has a new note.")

    async def _meant(self, request: Request, visit: Visit) -> tuple[Key, dict[str, str]]:
        """The key in the address, if it is the account's, and the form."""
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        key = self._keys.find(str(request.path_params["key"])[:100])
        if key.account != visit.caller.account:
            raise no_such_key(key.key)
        return key, form

    def _shown(self, request: Request, visit: Visit, made: Credentials | None = None) -> Response:
        return self._desk.page(
            request, "keys.html", visit, here="keys", keys=self._keys.of_account(visit.caller.account), made=made,
            administrator=self._keys.is_administrator(visit.caller.account), url=str(request.base_url).rstrip("/"),
        )  # fmt: skip


def _note_in(form: dict[str, str]) -> str:
    note = " ".join(form.get("note", "").split())
    if len(note) > _LONGEST_NOTE:
        raise errors.InvalidSubmission(f"a note has at most {_LONGEST_NOTE} characters")
    return note
