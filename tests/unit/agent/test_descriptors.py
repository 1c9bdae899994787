"""Descriptors on their way to a worker: all arrive, none stays open here."""

import array
import contextlib
import os
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloud.agent.outgoing import Outgoing
from cloud.agent.parcel import pack
from cloud.model import BlobRef, Buffer, Chunk
from cloud.wire.worker import CACHED_CHUNKS, CACHED_FUNCTIONS, Recent
from tests.support.required import require_or_skip
from tests.support.world import spec

MANY = 150


def open_descriptors(name: str) -> int:
    """Of files of this name: threads that an earlier test left open and close others."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # another thread's
            found += name in os.readlink(f"/proc/self/fd/{fd}")
    return found


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    yield near, far
    near.close()
    far.close()


def received(far: socket.socket, size: int) -> tuple[bytes, list[int]]:
    data, fds = b"", array.array("i")
    while len(data) < size:
        piece, ancillary, _, _ = far.recvmsg(1 << 16, socket.CMSG_SPACE(64 * 4))
        data += piece
        for _, _, content in ancillary:
            fds.frombytes(content)
    return data, list(fds)


def test_more_descriptors_than_fit_into_one_send_all_arrive_in_order(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, far = pair
    name = "on-their-way"
    fds = [os.memfd_create(f"{name}-{i}") for i in range(MANY)]
    names = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]
    outgoing = Outgoing(near, lambda _: None)
    message = bytes(5000)
    assert open_descriptors(name) == MANY
    outgoing.send([message], fds)
    assert open_descriptors(name) == 0
    data, arrived = received(far, len(message))
    assert data == message
    assert [os.readlink(f"/proc/self/fd/{fd}") for fd in arrived] == names
    for fd in arrived:
        os.close(fd)


def test_a_blob_that_cannot_be_opened_leaves_none_of_the_others_open(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.touch()
    opened: list[str] = []

    def open_blob(name: str) -> int:
        if len(opened) == 12:
            raise OSError(24, "Too many open files")
        opened.append(name)
        return os.open(blob, os.O_RDONLY)

    worker: Any = SimpleNamespace(
        functions=Recent(CACHED_FUNCTIONS), chunks=Recent(CACHED_CHUNKS), next_seq=0, terms=None
    )
    chunks = [Chunk(i, 1, BlobRef(f"args/1/{i}", 40_000)) for i in range(10)]
    work: Any = SimpleNamespace(
        submission=SimpleNamespace(spec=spec(), jids=range(1, 11)), function=b"f", chunks=chunks, code=None, token="",
        claim=SimpleNamespace(sid=1, lo=0, hi=10),
    )  # fmt: skip

    def read_blob(_: str) -> Buffer:
        raise AssertionError

    with pytest.raises(OSError, match="Too many"):
        for _ in range(2):
            for fd in pack(worker, work, None, open_blob, read_blob)[1]:
                os.close(fd)
            work.claim.sid += 1
    assert len(opened) == 12
    assert open_descriptors(str(blob)) == 0
    assert not worker.chunks.use((work.claim.sid, 0))[0]


def test_descriptors_beyond_the_reach_of_select_do_no_harm() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        require_or_skip("this user may not open 4,096 files: ulimit -Hn says how many")
    from cloud.dispatch.early import EarlyStart
    from cloud.testing import ManualClock, ScriptedEngine

    class Far(ScriptedEngine):
        def expected_seconds(self, function: str) -> float | None:
            del function
            return 1e-5

        def fileno(self) -> int:
            return far

    near, _ = os.pipe()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    import fcntl

    far = fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, 2000)
    engine = Far()
    try:
        early = EarlyStart(engine, ManualClock())
        work: Any = SimpleNamespace(submission=SimpleNamespace(spec=spec()), claim=SimpleNamespace(lo=0, hi=1, cid=1))
        if early.suits([work]):
            early.wait([work])
        with pytest.raises(ValueError, match="out of range"):
            select.select([far], [], [], 0)
    finally:
        for fd in (near, _, far):
            os.close(fd)
        engine.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
