"""Sockets and connections: addresses that are taken, answers in one write, orderly ends."""

import asyncio
import socket
from typing import Any

import pytest

from cloud.errors import ServerUnavailable
from cloud.server.listener import Listener, OneWrite, bind, url_of


class Written:
    """A transport that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def write(self, data: bytes) -> None:
        self.said.append(bytes(data))

    def close(self) -> None:
        self.said.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.said


def test_a_head_and_a_small_body_leave_in_one_write() -> None:
    transport = Written()
    answer = OneWrite(transport)  # type: ignore[arg-type]
    answer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    answer.write(memoryview(b"body"))
    answer.write(b"more")
    assert transport.said == [b"HTTP/1.1 200 OK\r\n\r\nbody", b"more"]


def test_a_large_body_is_not_copied_to_be_joined() -> None:
    transport = Written()
    answer = OneWrite(transport)  # type: ignore[arg-type]
    answer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    answer.write(b"x" * 100_000)
    assert [len(data) for data in transport.said] == [19, 100_000]


def test_an_interim_answer_and_a_head_without_body_are_not_held_back() -> None:
    transport = Written()
    answer = OneWrite(transport)  # type: ignore[arg-type]
    answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert transport.said == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    answer.write(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")
    answer.close()
    assert transport.said[1:] == [b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "closed"]
    assert answer.is_closing()


def test_a_port_that_is_taken_is_refused_or_replaced_as_asked() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ServerUnavailable, match="another program listens there"):
            bind("127.0.0.1", port)
        with bind("127.0.0.1", port, fall_back=True) as second:
            assert url_of(second) != url_of(first)


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(ServerUnavailable, match="cannot listen"):
        bind("no.such.host.invalid", 0)


def test_stopping_lets_an_answer_finish_and_takes_no_more() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        started.set()
        await finish.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def story() -> bytes:
        listener = Listener(app)
        sock = bind("127.0.0.1", 0)
        address = sock.getsockname()
        await listener.start(sock)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await started.wait()
        stopping = asyncio.create_task(listener.stop(60.0))
        asyncio.get_running_loop().call_later(0.01, finish.set)
        answer = await reader.read()
        await stopping
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=60)
        return answer

    started, finish = asyncio.Event(), asyncio.Event()
    answer = asyncio.run(story())
    assert answer.endswith(b"\r\n\r\nok")
    assert b"connection: close" in answer


@pytest.mark.parametrize("said", [[], [b"GET / HT"], [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT"]])
def test_a_client_that_does_not_finish_its_headers_is_let_go(
    said: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.server.listener.HEAD_SECONDS", 0.5)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def story() -> None:
        listener = Listener(app)
        sock = bind("127.0.0.1", 0)
        await listener.start(sock)
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        for number, piece in enumerate(said, 1):
            writer.write(piece)
            if number < len(said):
                assert (await reader.readuntil(b"ok")).endswith(b"ok")
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        await listener.stop(1.0)

    asyncio.run(story())
