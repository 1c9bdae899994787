"""Sockets and connections: uvicorn's HTTP protocol on our own loop, without the timer of its `Server`."""

import asyncio
import errno
import logging
import socket
import ssl
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from cloud.errors import ServerUnavailable

log = logging.getLogger("cloud.server")

HEAD_MAX_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 600
_BACKLOG = 1024
_JOINED_MAX_BYTES = 1 << 16


class OneWrite:
    """The transport as one answer sees it: its head leaves together with the beginning of its body.

    In two writes they cost two system calls here and may wake the client twice.
    """

    __slots__ = ("_head", "_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._held = True

    def write(self, data: Any) -> None:
        if not self._held or data[:10] == b"HTTP/1.1 1":  # 100 Continue comes before the head
            self._transport.write(data)
        elif not self._head:
            self._head = data
        else:
            self._held = False
            if len(data) <= _JOINED_MAX_BYTES:
                self._transport.write(b"".join((self._head, data)))
            else:
                self._transport.write(self._head)
                self._transport.write(data)

    def close(self) -> None:
        if self._held and self._head:
            self._held = False
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class Connection(HttpToolsProtocol):
    """One client's connection. A request's line and headers must fit into `HEAD_MAX_BYTES`, and come within
    `HEAD_SECONDS` of their beginning; the first, of the connection's."""

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_MAX_BYTES + len(data):
            self.send_400_response("The headers of the request are too long.")
            return
        super().data_received(data)
        if self._head_bytes and self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._end_head()
        if self.cycle is not None:
            if self.scope["method"] != "HEAD":  # such an answer is nothing but its head
                self.cycle.transport = OneWrite(self.transport)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        self.transport.close()


def bind(host: str, port: int, *, fall_back: bool = False) -> socket.socket:
    """A listening socket.

    Args:
        host: address or name to listen on.
        port: 0 for any that is free.
        fall_back: take any free port when this one is in use.

    Raises:
        ServerUnavailable: the address cannot be listened on; the message says why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ServerUnavailable(f"cannot listen on {host!r}: {error}") from None
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if fall_back and port and error.errno in (errno.EADDRINUSE, errno.EACCES):
            return bind(host, 0)
        reason = "another program listens there" if error.errno == errno.EADDRINUSE else str(error)
        raise ServerUnavailable(
            f"cannot listen on {host}:{port}: {reason}", hint="stop that program, or choose another port"
        ) from None
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """The address clients on this machine use."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Listener:
    """Takes connections on a socket and gives their requests to an ASGI application."""

    def __init__(self, app: Any) -> None:
        config = Config(
            app, http=Connection, ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
            date_header=False, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )  # fmt: skip
        config.load()
        self._config = config
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._state.connections)

    def in_flight(self) -> int:
        """How many requests have arrived and are not answered."""
        return len(self._state.tasks)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return self._state.total_requests

    async def start(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take connections from now on; with `tls`, encrypted ones only."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._config, self._state, {}, loop), sock=sock, backlog=_BACKLOG, ssl=tls
        )

    async def stop(self, grace_seconds: float) -> None:
        """Take no more connections, let answers that are being sent finish, then close what is left."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        tasks = list(self._state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            if late:
                log.warning("%d requests were cut off", len(late))
            for task in late:
                task.cancel()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.close()
