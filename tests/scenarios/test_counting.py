"""`JobApi.counts`: the same numbers however the jobs are named."""

from collections import Counter
from collections.abc import Iterator

import pytest

from cloud.errors import JobNotFound
from cloud.model import Status
from cloud.model.ranges import pack
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=20, jobs_per_seat=3)
    yield world
    world.stop()


def test_many_single_jobs_are_counted_as_their_statuses_say(world: World) -> None:
    first = world.map(100)
    for number, cid in enumerate(world.cids()):
        claim = world.engine.running[cid].claim
        if number % 3 == 0:
            world.engine.finish(cid, claim.lo, claim.hi, Status.ERROR if number % 2 else Status.DONE)
    world.tick()
    behind = world.map(5, depends_on=(first,), depends_on_errors="ignore")
    for step in (1, 2, 7, 40):
        asked = pack([*first[::step], *behind[::step]])
        counted = world.jobs.counts(asked)
        assert counted == Counter(world.status(*asked))
        assert list(counted) == [status.word for status in Status if status.word in counted]


def test_many_calls_are_counted_as_their_statuses_say(world: World) -> None:
    theirs = world.map(4, account=2)
    jids = [world.map(n) for n in (5, *[1] * 30, 7)]
    world.engine.finish_all()
    world.tick()
    world.engine.finish_all(Status.ERROR)
    behind = world.map(2, depends_on=(jids[-1],), depends_on_errors="ignore")
    for lo, hi in ((0, 44), (0, 42), (2, 44), (3, 40), (5, 35), (4, 36), (10, 30)):
        asked = range(jids[0].start + lo, jids[0].start + hi)
        assert world.jobs.counts((asked,)) == Counter(world.status(asked))
    assert behind.stop == jids[0].start + 44
    for wrong in (range(theirs.start, behind.stop), range(jids[0].start, behind.stop + 1)):
        with pytest.raises(JobNotFound):
            world.jobs.counts((wrong,))


def test_jobs_of_another_account_in_between_are_not_found(world: World) -> None:
    mine = world.map(10)
    theirs = world.map(10, account=2)
    also_mine = world.map(10)
    with pytest.raises(JobNotFound) as raised:
        world.jobs.counts((range(mine.start, also_mine.stop),))
    assert raised.value.jid == theirs.start


def test_a_deleted_one_among_many_single_jobs_is_named(world: World) -> None:
    jids = world.map(60)
    world.run_all()
    world.jobs.delete((jids[30:32],))
    with pytest.raises(JobNotFound) as raised:
        world.jobs.counts(pack(jids[::2]))
    assert raised.value.jid == jids[30]
    assert world.jobs.counts(pack(jids[1::4])) == {"done": 15}
