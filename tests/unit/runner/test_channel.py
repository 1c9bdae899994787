"""The channel of a worker: a question that was cut off spoils nothing that comes after it."""

from typing import Any

import pytest

from cloud.errors import KilledException, ServerUnavailable
from cloud.runner.channel import PipeChannel


class Interrupted:
    """A socket whose first send is cut off by a kill."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        if not self.sent:
            self.sent.append(bytes(data[:5]))
            raise KilledException
        self.sent.append(bytes(data))

    def recv_into(self, view: memoryview) -> int:
        del view
        raise ConnectionResetError


def test_after_half_a_question_nothing_more_is_sent_and_the_worker_takes_no_further_job() -> None:
    socket: Any = Interrupted()
    channel = PipeChannel(socket)
    with pytest.raises(KilledException):
        channel.request([b"a question"])
    assert channel.torn
    with pytest.raises(ServerUnavailable):
        channel.resumed()
    with pytest.raises(ServerUnavailable):
        channel.request([b"another"])
    assert len(socket.sent) == 1
    assert channel.torn
