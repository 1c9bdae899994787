"""Messages between a server and the process that talks to its cluster."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cloud.engines.fleet.pipe import Pipe

LARGE = bytes(8 << 20)
"""More than a socket holds."""


@pytest.fixture
def ends() -> Iterator[tuple[Pipe, Pipe]]:
    socks = socket.socketpair()
    one, other = (Pipe(sock) for sock in socks)
    yield one, other
    for pipe in (one, other):
        pipe.close()
    for sock in socks:
        sock.close()


def test_what_is_said_while_the_other_end_is_busy_arrives_however_seldom_one_listens(ends: tuple[Pipe, Pipe]) -> None:
    one, other = ends
    with pytest.raises(TimeoutError):
        one.read(0.01)
    for number in range(3):
        one.send({"op": "tell", "number": number}, [LARGE])
    for _ in range(5):
        with pytest.raises(TimeoutError):
            one.read(0.02)
    for number in range(3):
        said = other.read(20)
        assert said is not None
        assert (said[0]["number"], len(said[1][0])) == (number, len(LARGE))


def test_an_end_that_is_gone_is_no_message(ends: tuple[Pipe, Pipe]) -> None:
    one, other = ends
    other.send({"op": "last"})
    other.close()
    assert one.read(20) == ({"op": "last"}, [])
    assert one.read(20) is None


def test_the_last_words_of_a_process_arrive_although_it_ends_at_once() -> None:
    ours, its = socket.socketpair()
    program = (
        "import os, socket, sys\n"
        "from cloud.engines.fleet.pipe import Pipe\n"
        "pipe = Pipe(socket.socket(fileno=int(sys.argv[1])))\n"
        "pipe.send({'op': 'failed'}, [bytes(8 << 20)])\n"
        "pipe.close()\n"
        "pipe.drain(60)\n"
        "os._exit(0)\n"
    )
    with ours, its:
        process = subprocess.Popen([sys.executable, "-c", program, str(its.fileno())], pass_fds=[its.fileno()])
        its.close()
        pipe = Pipe(ours)
        said = pipe.read(60)
        assert said is not None
        assert (said[0]["op"], len(said[1][0])) == ("failed", 8 << 20)
        assert process.wait(60) == 0
        pipe.close()
