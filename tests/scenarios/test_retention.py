"""Nothing grows for ever, and nothing needed goes: old jobs, silent submissions, orphaned blobs (DESIGN D20)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.ports import Finished
from cloud.dispatch.retention import COUNT_SECONDS, EVERY_SECONDS, Limits, Retention
from cloud.errors import InvalidSubmission, JobNotFound, StoreFull
from cloud.pickling import pack_map
from tests.support.world import FUNCTION, World, spec

LARGE = bytes(100_000)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=4, jobs_per_seat=10)
    yield world
    world.stop()


def large(n: int) -> NewChunk:
    """Arguments that go to a blob."""
    return NewChunk(0, n, pack_map([([LARGE, i],) for i in range(n)]))


def submit(world: World, token: str, n: int = 2) -> range:
    jids = world.jobs.submit(Part(token, spec(), [FUNCTION], [large(n)], n)).jids
    assert jids is not None
    return jids


def pass_over(world: World, retention: Retention) -> None:
    """One round of tidying up."""
    world.clock.advance(EVERY_SECONDS + 1)
    retention.work()


def test_jobs_older_than_the_limit_are_forgotten_with_their_blobs(world: World) -> None:
    retention = Retention(world.dispatcher, Limits(max_age=timedelta(days=7)))
    old = submit(world, "old")
    world.run_all()
    world.clock.advance(timedelta(days=8).total_seconds())
    young, unfinished = submit(world, "young"), submit(world, "unfinished")
    world.engine.finish(world.cids()[0], 0, 2)
    world.tick()
    pass_over(world, retention)
    with pytest.raises(JobNotFound):
        world.status(old)
    assert world.status(young, unfinished) == ["done", "done", "processing", "processing"]
    assert sorted(world.blobs.names()) == ["args/2/0", "args/3/0"]


def test_beyond_the_byte_limit_what_finished_first_goes_first(world: World) -> None:
    first, second, third = (submit(world, token) for token in "abc")
    world.engine.finish(world.cids()[1], 0, 2)
    world.tick()
    world.clock.advance(10)
    world.run_all()
    retention = Retention(
        world.dispatcher, Limits(max_bytes=world.store.size_bytes() + world.blobs.size_bytes() - 100_000)
    )
    for _ in range(3):
        pass_over(world, retention)
    assert world.status(first, third)[0] == "done" or world.status(third) == ["done", "done"]
    with pytest.raises(JobNotFound):
        world.status(second)


def test_without_limits_everything_is_kept(world: World) -> None:
    retention = Retention(world.dispatcher, Limits())
    jids = submit(world, "kept")
    world.run_all()
    world.clock.advance(timedelta(days=3650).total_seconds())
    pass_over(world, retention)
    assert world.status(jids) == ["done", "done"]


def test_a_map_whose_client_fell_silent_is_dropped_and_its_blobs_go(world: World) -> None:
    retention = Retention(world.dispatcher, Limits())
    world.jobs.submit(Part("half", spec(), [FUNCTION], [large(2)]))
    assert list(world.blobs.names()) == ["args/1/0"]
    pass_over(world, retention)
    assert list(world.blobs.names()) == ["args/1/0"]
    world.clock.advance(600)
    pass_over(world, retention)
    assert list(world.blobs.names()) == []
    with pytest.raises(InvalidSubmission, match="given up"):
        world.jobs.submit(Part("half", None, None, [], 2))


def test_a_blob_orphaned_by_a_crash_is_collected_and_a_referenced_one_never(world: World) -> None:
    retention = Retention(world.dispatcher, Limits(), orphan_age_seconds=0.0)
    jids = submit(world, "a")
    world.blobs.put("results/1/7-1", [LARGE])  # written, and then the commit never came
    world.blobs.put("args/77/0", [LARGE])
    pass_over(world, retention)
    assert list(world.blobs.names()) == ["args/1/0"]
    world.run_all()
    assert world.status(jids) == ["done", "done"]


def test_deleting_jobs_removes_their_blobs_when_the_last_that_needs_them_goes(world: World) -> None:
    jids = submit(world, "a")
    world.run_all()
    world.jobs.delete((jids[:1],))
    assert list(world.blobs.names()) == ["args/1/0"]
    world.jobs.delete((jids[1:],))
    assert list(world.blobs.names()) == []


def test_beyond_the_number_of_jobs_those_that_finished_first_go_first(world: World) -> None:
    """S55: `mp_cache_size_limit` keeps only so many finished jobs; unfinished ones do not count."""
    retention = Retention(world.dispatcher, Limits(max_jobs=3))
    first, second = submit(world, "a"), submit(world, "b")
    world.run_all()
    unfinished = submit(world, "c")
    retention.work()
    with pytest.raises(JobNotFound):
        world.status(range(first[0], first[0] + 1))
    assert world.status(range(first[1], first[1] + 1), second) == ["done"] * 3
    assert world.status(unfinished) == ["processing"] * 2
    assert sorted(world.blobs.names()) == ["args/1/0", "args/2/0", "args/3/0"], "a blob goes with its last job"


def test_jobs_are_counted_now_and_then_only(world: World) -> None:
    retention = Retention(world.dispatcher, Limits(max_jobs=1))
    retention.work()
    later = submit(world, "a")
    world.run_all()
    retention.work()
    assert world.status(later) == ["done", "done"]
    assert retention.due <= world.clock.monotonic() + COUNT_SECONDS, "but it will not be forgotten that it is time"
    world.clock.advance(COUNT_SECONDS)
    retention.work()
    with pytest.raises(JobNotFound):
        world.status(range(later[0], later[0] + 1))


def test_a_result_that_waits_in_memory_for_room_on_the_disk_is_no_orphan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention = Retention(world.dispatcher, Limits(), orphan_age_seconds=0)
    jids = world.map(1)
    (cid,) = world.cids()
    world.engine.finish(cid, 0, 1, result=b"")
    (event,) = world.engine._events
    assert isinstance(event, Finished)
    event.outcomes.blobs[0] = world.blobs.put("results/1/0-1", [LARGE])

    def full() -> None:
        world.store._roll_back()
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "_commit", full)
        world.tick()
        assert world.status(jids) == ["processing"]
    pass_over(world, retention)
    world.tick()
    assert world.status(jids) == ["done"]
    assert bytes(world.jobs.read(jids.start, "results/1/0-1")) == LARGE
