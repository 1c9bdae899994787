"""The ASGI application: calls on a short path, everything else through Starlette."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from cloud.errors import CloudException
from cloud.local import Core
from cloud.server.account_routes import AccountRoutes
from cloud.server.answers import Send, error_object, send_json
from cloud.server.body import Receive
from cloud.server.calls import OPS, Calls
from cloud.server.dashboard.routes import Dashboard
from cloud.server.files import FileRoutes
from cloud.server.gate import Gate
from cloud.server.history import History
from cloud.server.json_answer import JsonAnswer
from cloud.server.key_routes import KeyRoutes
from cloud.server.people import People
from cloud.server.retirement import Retirement
from cloud.server.submission_routes import SubmissionRoutes
from cloud.server.top_routes import TopRoutes

Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATHS = {f"/v1/{op}": op for op in OPS}


@dataclass(frozen=True, slots=True)
class Identity:
    """What this server tells everybody, with or without a key."""

    server_id: str
    version: str


class App:
    """Looks at the path; checks Host and Origin of everything it serves."""

    def __init__(
        self, core: Core, calls: Calls, gate: Gate, identity: Identity, history: History, retirement: Retirement
    ) -> None:
        self._calls = calls
        self._gate = gate
        dashboard = Dashboard(calls, gate, core, (identity.server_id, identity.version), history)
        self._rest = _build_rest(
            People(calls, gate, core),
            KeyRoutes(gate),
            AccountRoutes(gate, core.dispatcher),
            FileRoutes(calls, gate),
            SubmissionRoutes(gate, core.store),
            retirement,
            TopRoutes(gate, core, dashboard.watchers, history),
            dashboard,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        op = _PATHS.get(scope["path"])
        if op is not None and scope["method"] == "POST":
            await self._calls.serve(op, headers, receive, send)
            return
        try:
            self._gate.check_source(headers)
        except CloudException as error:
            await send_json(send, error_object(error), error.http_status, [(b"connection", b"close")])
            return
        if scope["path"] == "/healthz":
            await send_json(send, {"ok": True})
            return
        await self._rest(scope, receive, send)


def build_app(
    core: Core, calls: Calls, gate: Gate, identity: Identity, history: History, retirement: Retirement
) -> ASGIApp:
    """The application of one server.

    POST /v1/<op>                a call of `JobApi` or `FilesApi`: wire message in, wire message out
    GET  /v1/jobs?jids=1,3-5     JSON, `field` may be repeated
    GET  /v1/jobs/<jid>          JSON
    GET  /v1/jobs/<jid>/stdout   text, /stderr likewise
    POST /v1/jobs/<jid>/kill     JSON; `?force=1` without the grace period
    GET  /v1/submissions         JSON: what was submitted, newest first; what the Jobs page looks by chooses
    GET  /v1/files               JSON; `prefix` and `after` choose
    GET  /v1/files/<name>        its bytes, or a Range of them; PUT and DELETE likewise
    GET  /v1/summary             JSON: slots, jobs by status, bytes
    GET, POST /v1/keys ...       JSON: keys of the account (`KeyRoutes`)
    GET  /v1/account             JSON: limits of the account, and what it has
    GET, POST /v1/accounts ...   JSON: all accounts, for administrators (`AccountRoutes`)
    GET  /v1/top                 JSON: what goes on; a line after each change with `follow=1`
    POST /v1/retire              JSON; ends this server if no job runs
    GET  /healthz                no key needed
    GET  /, /jobs, /jobs/<jid>   pages for people (`Dashboard`)
    POST /v1/dashboard-links     JSON: a one-time link that signs a browser in
    """
    return App(core, calls, gate, identity, history, retirement)


def _build_rest(
    *parts: People | KeyRoutes | AccountRoutes | FileRoutes | SubmissionRoutes | Retirement | TopRoutes | Dashboard,
) -> Starlette:
    async def not_found(request: Request, _error: Exception) -> Response:
        error = CloudException(f"there is nothing at {request.url.path}")
        return JsonAnswer({"error": {**error_object(error)["error"], "code": 404}}, 404)

    async def not_allowed(request: Request, _error: Exception) -> Response:
        error = CloudException(f"{request.method} is not possible at {request.url.path}")
        return JsonAnswer({"error": {**error_object(error)["error"], "code": 405}}, 405)

    async def fault(_request: Request, error: Exception) -> Response:
        return JsonAnswer(error_object(CloudException(f"a fault in the server: {type(error).__name__}")), 500)

    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        exception_handlers={404: not_found, 405: not_allowed, 500: fault},
    )
