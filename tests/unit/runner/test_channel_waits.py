"""The channel of a worker: several threads of a job wait at once."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.runner.channel import PipeChannel
from cloud.wire.worker import REQUEST, Ask
from tests.support.waiting import eventually


class Agent:
    """The other end: lets everybody wait, and knows what is waited for."""

    def __init__(self, far: socket.socket) -> None:
        self._far = far
        self.waits_for: Any = None
        self.heard = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)

    def _listen(self) -> None:
        while head := self._exactly(REQUEST.size):
            op, number, size = REQUEST.unpack(head)
            body = self._exactly(size) if size else b""
            if op == Ask.WAITING:
                self.waits_for = json.loads(body)
                self._far.sendall(REQUEST.pack(op, number, 0))
            elif op == Ask.RESUMED:
                self.waits_for = None
            self.heard += 1

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._far.recv(size - len(data))
            if not piece:
                return b""
            data += piece
        return data


@pytest.fixture
def ends() -> Iterator[tuple[PipeChannel, Agent]]:
    near, far = socket.socketpair()
    agent = Agent(far)
    yield PipeChannel(near), agent
    near.shutdown(socket.SHUT_RDWR)
    near.close()
    agent.join()  # before its descriptor may be another's
    far.close()


def in_thread(call: Any, *arguments: Any) -> None:
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_a_slot_stays_lent_until_the_last_thread_that_waits_resumes(ends: tuple[PipeChannel, Agent]) -> None:
    channel, agent = ends

    def other() -> None:
        channel.waiting((range(5, 6),))
        channel.resumed()

    channel.waiting((range(1, 3),))
    in_thread(other)
    eventually(lambda: agent.heard == 3)
    assert agent.waits_for == [[1, 3]]
    channel.resumed()
    eventually(lambda: agent.heard == 4)
    assert agent.waits_for is None


def test_what_two_threads_wait_for_is_told_together(ends: tuple[PipeChannel, Agent]) -> None:
    channel, agent = ends
    channel.waiting((range(1, 3),))
    in_thread(channel.waiting, (range(5, 6),))
    assert agent.waits_for == [[1, 3], [5, 6]]
