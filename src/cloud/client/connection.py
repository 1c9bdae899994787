"""One keep-alive HTTP/1.1 connection: a request there, an answer back.

Written by hand because `http.client` takes 50 µs more for a small request, half of what one costs in all; it
speaks the part of HTTP that a request with a known length and its answer need.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cloud.model import Buffer
from cloud.wire.message import CONTENT_TYPE

CONNECT_SECONDS = 10.0
_ONE_SEND_BYTES = 1 << 16
_SLICE_BYTES = 4 << 20
_HEAD_MAX_BYTES = 1 << 16
_READ_BYTES = 1 << 16


class Lost(Exception):
    """The connection broke, or what came is not HTTP; whether the request was carried out is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case; of repeated ones the last."""
    body: bytearray


class Connection:
    """To one server. Not for several threads at once.

    Raises:
        OSError: it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        self.requests = 0
        """How many were answered."""
        self._prefix = f"{parts.path.rstrip('/')}/v1/"
        self._host = parts.netloc.rpartition("@")[2]
        self._socket: socket.socket = socket.create_connection(
            (host, parts.port or (443 if secure else 80)), timeout=CONNECT_SECONDS
        )
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                import ssl

                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=host)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()

    def request(self, op: str, authorization: str, parts: Sequence[Buffer], timeout_seconds: float,
                method: str = "POST") -> Answer:  # fmt: skip
        """Send the parts to `<base>/v1/<op>`.

        Args:
            op: last part of the path.
            authorization: value of that header; '' for none.
            parts: the body; large ones are not copied.
            timeout_seconds: the longest pause of the other side.

        Raises:
            OSError, Lost: there is no answer; the connection is of no use any more.
        """
        self._socket.settimeout(timeout_seconds)
        views = [part if isinstance(part, bytes) and len(part) < _ONE_SEND_BYTES else memoryview(part).cast("B")
                 for part in parts]  # fmt: skip
        length = sum(map(len, views))
        allowed = f"Authorization: {authorization}\r\n" if authorization else ""
        head = (
            f"{method} {self._prefix}{op} HTTP/1.1\r\nHost: {self._host}\r\n{allowed}"
            f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\r\n"
        ).encode("latin-1")
        try:
            self._send([head, *views], len(head) + length)
        except TimeoutError:
            raise
        except OSError as error:
            return self._last_words(error)
        answer = self._receive()
        self.requests += 1
        return answer

    def _send(self, views: Sequence[Buffer], length: int) -> None:
        if length <= _ONE_SEND_BYTES:
            self._socket.sendall(b"".join(views))
            return
        small: list[Buffer] = []
        size_bytes = 0
        for view in views:
            small.append(view)
            size_bytes += len(view)
            if size_bytes > _ONE_SEND_BYTES:
                if len(small) > 1:
                    self._socket.sendall(b"".join(small[:-1]))
                # In slices, because the timeout is for all that one `sendall` sends.
                for start in range(0, len(view), _SLICE_BYTES):
                    self._socket.sendall(view[start : start + _SLICE_BYTES])
                small, size_bytes = [], 0
        if small:
            self._socket.sendall(b"".join(small))

    def _last_words(self, error: OSError) -> Answer:
        """The server hung up while we sent; it may have said why."""
        try:
            return self._receive()
        except (OSError, Lost):
            raise error from None

    def _receive(self) -> Answer:
        status, headers, rest = self._receive_head(b"")
        while status < 200:  # provisional
            status, headers, rest = self._receive_head(rest)
        if headers.get("transfer-encoding", "identity").lower() != "identity":
            body = self._receive_chunks(rest)
        elif "content-length" in headers:
            body = self._receive_body(int(headers["content-length"]), rest)
        elif status == 204:
            body = bytearray()
        else:
            raise Lost("the answer does not say how long it is")
        return Answer(status, headers, body)

    def _receive_head(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, and what came behind them; `data` is what was received before."""
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(_READ_BYTES)
            if not more:
                raise Lost("the server closed the connection")
            data += more
            if len(data) > _HEAD_MAX_BYTES:
                raise Lost("what came is not an HTTP answer")
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdecimal():
            raise Lost(f"what came is not an HTTP answer: {first!r:.80}")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(words[1]), headers, data[end + 4 :]

    def _receive_body(self, length: int, rest: bytes) -> bytearray:
        if len(rest) > length:
            raise Lost("the answer is longer than it says")
        if len(rest) == length:
            return bytearray(rest)
        body = bytearray(length)
        body[: len(rest)] = rest
        with memoryview(body) as view:
            position = len(rest)
            while position < length:
                number = self._socket.recv_into(view[position:])
                if not number:
                    raise Lost("the server closed the connection in the middle of an answer")
                position += number
        return body

    def _receive_chunks(self, rest: bytes) -> bytearray:
        """A body sent in pieces, as proxies do."""
        body = bytearray()
        reader = _Reader(self._socket, rest)
        while True:
            size = int(reader.line().partition(b";")[0], 16)
            if not size:
                while reader.line():
                    pass
                return body
            body += reader.exactly(size)
            reader.line()


class _Reader:
    """Lines and counted bytes of a socket, beginning with what was received already."""

    def __init__(self, sock: Any, rest: bytes) -> None:
        self._socket = sock
        self._rest = bytearray(rest)

    def _more(self) -> None:
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise Lost("the server closed the connection in the middle of an answer")
        self._rest += data

    def line(self) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            self._more()
        line = bytes(self._rest[:end])
        del self._rest[: end + 2]
        return line

    def exactly(self, number: int) -> bytes:
        while len(self._rest) < number:
            self._more()
        data = bytes(self._rest[:number])
        del self._rest[:number]
        return data
