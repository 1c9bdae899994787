"""What stands between the listener and the application where a proxy stands before the server."""

import ipaddress
from collections.abc import Iterable, MutableMapping
from typing import Any

from cloud.server.answers import Send
from cloud.server.body import Receive
from cloud.server.request_log import ASGIApp

_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"


class Prefixed:
    """Takes a path before all paths away; requests without it are served too, for probes and jobs on the inside."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == self._prefix:
            await _redirect(send, self._prefix.rpartition("/")[2] + "/")
            return
        if path.startswith(self._prefix + "/"):
            raw = scope.get("raw_path", b"")
            scope = {**scope, "path": path[len(self._prefix) :], "raw_path": raw[len(self._prefix) :]}
        await self._app(scope, receive, send)


class Forwarded:
    """Believes what named proxies say of whom they ask for, and nobody else.

    Args:
        proxies: addresses and networks.
    """

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._known: dict[str, bool] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        peer = (scope.get("client") or ("", 0))[0]
        if self._trusts(peer):
            scope = self._as_asked(scope, peer)
        await self._app(scope, receive, send)

    def _as_asked(self, scope: MutableMapping[str, Any], peer: str) -> MutableMapping[str, Any]:
        said = {name: value for name, value in scope["headers"] if name in (_FOR, _PROTO, _HOST)}
        if not said:
            return scope
        scope = dict(scope)
        if _PROTO in said:
            scheme = said[_PROTO].rpartition(b",")[2].strip().lower()
            scope["scheme"] = "https" if scheme == b"https" else "http"
        if _HOST in said:
            host = said[_HOST].rpartition(b",")[2].strip()
            scope["headers"] = [(n, v) for n, v in scope["headers"] if n != b"host"] + [(b"host", host)]
        for address in reversed(said.get(_FOR, b"").decode("latin-1").split(",")):
            if address.strip():
                peer = address.strip()
            if not self._trusts(peer):
                break
        scope["client"] = (peer, 0)
        return scope

    def _trusts(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            try:
                parsed = ipaddress.ip_address(address)
                known = any(parsed in network for network in self._networks)
            except ValueError:
                known = False
            if len(self._known) < 1024:
                self._known[address] = known
        return known


async def _redirect(send: Send, where: str) -> None:
    headers = [(b"location", where.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
