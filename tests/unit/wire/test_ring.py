"""The memory shared by a worker and its agent, used from two processes."""

import mmap
import os
from collections.abc import Iterator

import pytest

from cloud.model import Status
from cloud.wire import ring as layout
from cloud.wire.ring import DATA_BYTES, HEAD, RECORDS, SIZE_BYTES, SKIPPED, Ring


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring(mmap.mmap(-1, SIZE_BYTES))
    yield ring
    ring.close()


def publish(ring: Ring, seq: int, body: bytes, flags: int = 0) -> bool:
    return ring.publish(seq, Status.DONE, flags, 1.5, 0.25, body)


def test_records_come_back_as_columns(ring: Ring) -> None:
    for seq, body in enumerate((b"a", b"", b"ccc")):
        assert ring.begin(seq) == 0
        assert ring.running() == seq
        publish(ring, seq, body)
        assert ring.running() is None
    records = ring.records(0, 3)
    assert records.status == bytes([Status.DONE] * 3)
    assert list(records.started) == [1.5] * 3
    assert list(records.runtime) == [0.25] * 3
    assert list(records.ends) == [1, 1, 4]
    assert ring.bytes_between(0, 4) == b"accc"


def test_bytes_and_columns_wrap(ring: Ring) -> None:
    position = tail = 0
    for seq in range(RECORDS + 100):
        body = bytes([seq % 251]) * 700
        assert ring.fits(len(body))
        publish(ring, seq, body)
        end = ring.records(seq, seq + 1).ends[0]
        assert ring.bytes_between(position, end) == body
        position, tail = end, seq + 1
        ring.release(tail, position)


def test_a_full_ring_of_bytes_takes_no_more_until_space_is_given_back(ring: Ring) -> None:
    half = bytes(DATA_BYTES // 2)
    publish(ring, 0, half)
    publish(ring, 1, half)
    assert not ring.fits(1)
    assert ring.bytes_between(0, DATA_BYTES) == half + half
    ring.words[layout.NEED_SPACE] = 1
    assert ring.release(1, len(half))
    assert ring.fits(len(half))
    assert not ring.release(2, 2 * len(half))


def test_what_is_cut_does_not_start_and_the_rest_does(ring: Ring) -> None:
    assert ring.begin(0) == 0
    assert ring.cut(0, 10) == 1
    assert ring.begin(1) == 9
    assert ring.begin(9) == 1
    assert ring.begin(10) == 0


def test_the_agent_is_woken_once_and_only_when_it_sleeps(ring: Ring) -> None:
    assert not publish(ring, 0, b"")
    assert not ring.wake_me()
    ring.release(1, 0)
    assert ring.wake_me()
    assert publish(ring, 1, b"")
    assert not publish(ring, 2, b"")


def test_no_job_starts_after_it_was_taken_back_however_the_two_processes_race() -> None:
    """The runner races through its jobs and publishes which it started; the agent cuts at random places. What the agent
    was told will not start must have been skipped."""
    memory = mmap.mmap(-1, SIZE_BYTES)
    ring = Ring(memory)
    jobs = 200_000
    pid = os.fork()
    if pid == 0:
        seq = 0
        while seq < jobs:
            skip = min(ring.begin(seq), jobs - seq)
            for skipped in range(seq, seq + skip):
                while skipped - ring.words[layout.TAIL] >= RECORDS:
                    pass
                ring.publish(skipped, Status.QUEUED, SKIPPED, 0.0, 0.0, b"")
            seq += skip
            if not skip:
                while seq - ring.words[layout.TAIL] >= RECORDS:
                    pass
                publish(ring, seq, b"")
                seq += 1
        os._exit(0)
    cuts = seen = 0
    sure_ones: list[tuple[int, int]] = []
    while seen < jobs:
        head = ring.words[HEAD]
        while seen < head:
            hi = min(head, (seen | (RECORDS - 1)) + 1)
            flags = ring.records(seen, hi).flags
            for lo, stop in sure_ones:
                for seq in range(max(lo, seen), min(stop, hi)):
                    assert flags[seq - seen] == SKIPPED, f"{seq} was taken back and ran"
            seen = hi
            ring.release(seen, 0)
        sure_ones = [(lo, stop) for lo, stop in sure_ones if stop > seen]
        if not sure_ones and seen < jobs - 1000:
            lo = ring.words[layout.STARTED] + cuts % 7
            sure_ones.append((ring.cut(lo, lo + 40), lo + 40))
            cuts += 1
    assert os.waitpid(pid, 0)[1] == 0
    assert cuts > 5
    ring.close()
