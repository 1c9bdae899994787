"""A small HTTP server in this process whose answers, and misbehaviour, a test decides."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cloud.errors import CloudException
from cloud.model import Buffer
from cloud.wire import calls
from cloud.wire.message import Header, decode
from tests.support.scripted_api import ScriptedApi


@dataclass
class Request:
    """What came in."""

    number: int
    """Counted over all connections, from 1."""
    head: str
    body: bytes

    @property
    def op(self) -> str:
        return self.head.split(" ", 2)[1].rpartition("/")[2]


class LastWords(bytes):
    """To be sent back, and then hung up."""


Reply = Callable[[Request], bytes | None]
"""What to send back, byte for byte; None: hang up without a word."""


def http(body: bytes, status: int = 200, more: str = "") -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def speaking_for(api: ScriptedApi) -> Callable[[Request], bytes]:
    """Answers as a picloud server would that has these jobs."""

    def reply(request: Request) -> bytes:
        header, frames = decode(request.body)
        try:
            parts = _answer(api, header, frames)
        except CloudException as error:
            parts = calls.failed(error)
        return http(b"".join(bytes(part) for part in parts))

    return reply


def _answer(api: ScriptedApi, header: Header, frames: list[memoryview]) -> Sequence[Buffer]:
    op = header["op"]
    if op == "submit":
        return calls.receipt(api.submit(calls.read_submit(header, frames)))
    if op == "links":
        return calls.ok([None for _ in header["chunks"]])
    if op == "missing_code":
        return calls.ok(api.missing_code(*calls.read_missing_code(header)))
    if op == "put_code":
        api.put_code(calls.read_put_code(header, frames))
        return calls.ok()
    if op == "drop":
        api.drop(header["token"])
        return calls.ok()
    if op == "describe":
        return calls.ok(api.describe())
    if op == "read":
        return calls.ok(None, [api.read(header["jid"], header["blob"])])
    if op == "kill":
        api.kill(None if header["jids"] is None else calls.read_jids(header), force=header["force"])
        return calls.ok()
    jids = calls.read_jids(header)
    if op == "outcomes":
        return calls.ended(api.outcomes(jids, timeout_seconds=header["timeout_seconds"], max_bytes=header["max_bytes"]))
    if op == "wait":
        return calls.waited(
            api.wait(jids, timeout_seconds=header["timeout_seconds"], stop_on_failure=header["stop_on_failure"])
        )
    if op == "status":
        return calls.ok(None, [api.status(jids)])
    if op == "info":
        return calls.infos(api.info(jids, header["fields"]))
    assert op == "delete"
    api.delete(jids)
    return calls.ok()


class Server:
    """Listens on loopback. `connections` and `requests` say what came."""

    def __init__(self, reply: Reply, port: int = 0) -> None:
        self.reply = reply
        self.connections = 0
        self.requests: list[Request] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            try:
                while head := _head(file):
                    length = int(head.lower().partition("content-length:")[2].split("\r\n")[0])
                    with self._lock:
                        request = Request(len(self.requests) + 1, head, file.read(length))
                        self.requests.append(request)
                    answer = self.reply(request)
                    if answer is None:
                        return
                    connection.sendall(answer)
                    if isinstance(answer, LastWords):
                        return
            except OSError:
                return

    def hang_up(self) -> None:
        """Close all connections that are open now, as servers do with idle ones."""
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._open.clear()

    def close(self) -> None:
        """Be gone."""
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(60)


def _head(file: Any) -> str:
    lines = []
    while (line := file.readline().decode()) not in ("", "\r\n"):
        lines.append(line)
    return "".join(lines)


@contextmanager
def serving(reply: Reply, port: int = 0) -> Iterator[Server]:
    """A server for the length of a test."""
    server = Server(reply, port)
    try:
        yield server
    finally:
        server.close()
