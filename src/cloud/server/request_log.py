"""A line in the log for each request, and what other lines say of the request that they belong to."""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from cloud.server.answers import Send
from cloud.server.body import Receive

log = logging.getLogger("cloud.server.requests")

_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SECRET_PATH = re.compile(r"^((?:/[^/]+)*?/sign-in/).+")
_PROBES = ("/healthz", "/readyz")
"""Asked every few seconds by machines: not worth a line."""
ASGIApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Request:
    """One that is being answered."""

    __slots__ = ("account", "jid", "request_id", "status")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.account: int | None = None
        """Who asks, once the gate knows."""
        self.jid: int | None = None
        """The job that asks, if one does."""
        self.status = 0


REQUEST: ContextVar[Request | None] = ContextVar("request", default=None)


def note_caller(account: int, jid: int | None) -> None:
    """The gate has let somebody in."""
    request = REQUEST.get()
    if request is not None:
        request.account, request.jid = account, jid


class RequestLog:
    """Around an application. What follows a `?`, bodies and headers are never written down."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        named = given.decode() if _GIVEN.fullmatch(given) else f"{self._prefix}-{next(self._numbers)}"
        request = Request(named)
        REQUEST.set(request)  # of this request's own context: the server runs each in a task

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", named.encode())]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, sent)
        finally:
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            path = _SECRET_PATH.sub(r"\1...", scope["path"])
            about = {"method": scope["method"], "path": path, "status": request.status, "ms": milliseconds}
            log.info("%s %s: %d in %.1f ms", *about.values(), extra=about)
