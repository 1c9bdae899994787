"""`JobApi.why`: what is said of a job in every place where it can be."""

from collections.abc import Iterator

import pytest

from cloud.dispatch.jobs import Jobs
from cloud.errors import JobNotFound
from cloud.model import Status
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.stop()


def finish(world: World, jid: int, status: Status = Status.DONE) -> None:
    """The job, which runs, ends so."""
    for cid, work in list(world.engine.running.items()):
        if work.submission.jids[work.claim.lo] == jid:
            world.engine.finish(cid, work.claim.lo, work.claim.hi, status)
    world.tick()


def test_a_running_job_runs_since_then(world: World) -> None:
    jids = world.map(1)
    assert world.jobs.why(jids[0]).startswith("It runs since 1970-01-01 00:00:01 UTC")


def test_a_queued_job_names_what_has_the_slots_and_what_comes_before_it(world: World) -> None:
    world.map(2, function_name="m.long", label="night")
    world.map(1000, function_name="m.many at m.py:3")
    world.map(1, function_name="m.urgent", priority=1)
    last = world.map(2, function_name="m.last")
    assert world.jobs.why(last[1]) == (
        "All 2 slots are busy: they have 2 of m.long with label night. "
        "1,002 jobs come before it: 1,000 of m.many, 1 of m.urgent (priority 1) and 1 of m.last."
    )
    world.run_all()
    assert world.jobs.why(last[1]).startswith("It is done")


def test_other_accounts_are_not_named(world: World) -> None:
    theirs = world.map(2, function_name="secret", account=2)
    mine = world.map(1)
    assert world.jobs.why(mine[0]) == "All 2 slots are busy: jobs of other accounts run."
    with pytest.raises(JobNotFound):
        world.jobs.why(theirs[0])
    assert "secret" in Jobs(world.dispatcher, 2).why(theirs[0]) or "runs" in Jobs(world.dispatcher, 2).why(theirs[0])


def test_a_job_that_wants_more_cores_than_there_are_says_so(world: World) -> None:
    world.map(2)
    large = world.map(1, cores=8)
    assert world.jobs.why(large[0]).startswith("It wants 8 cores, more than the 2 there are, and runs when")


def test_a_waiting_job_names_what_is_still_open(world: World) -> None:
    first = world.map(4)
    second = world.map(1, depends_on=(first,))
    assert world.jobs.why(second[0]) == (
        f"It waits for all 4 jobs that it depends on: jobs {first[0]}..{first[-1]} (2 queued and 2 processing)."
    )
    finish(world, first[0])
    finish(world, first[1])
    finish(world, first[3])
    assert world.jobs.why(second[0]) == (
        f"It waits for 1 of the 4 jobs that it depends on: job {first[2]} (processing)."
    )


def test_a_stalled_job_names_the_failure_down_a_chain(world: World) -> None:
    first = world.map(3, function_name="m.first at m.py:3")
    second = world.map(2, depends_on=(first,), function_name="m.second")
    third = world.map(1, depends_on=(second,))
    finish(world, first[1], Status.ERROR)
    said = f"Could not start due to dependency erroring: job {first[1]} (m.first) ended in error"
    late = world.map(1, depends_on=(third,))
    for jid in (*second, *third, *late):
        assert world.jobs.info((range(jid, jid + 1),), ["exception"])[0]["exception"] == said
        assert world.jobs.why(jid) == f"It never ran. {said}."


def test_a_lost_attempt_is_told_until_it_is_over(world: World) -> None:
    world.map(1)
    jids = world.map(2)
    cid = next(cid for cid, work in world.engine.running.items() if work.submission.jids == jids)
    world.engine.lose(cid, 0, 1, "the worker was killed by signal 9")
    world.engine.slots = 1
    world.tick()
    assert world.jobs.why(jids[0]) == (
        "Attempt 1 of it was lost (the worker was killed by signal 9), so that it is to run again. "
        "The only slot is busy: they have 1 of f."
    )


def test_what_ended_says_how(world: World) -> None:
    jids = world.map(3)
    finish(world, jids[0])
    finish(world, jids[1], Status.ERROR)
    world.engine.slots = 0
    killed = world.map(1)
    world.jobs.kill((killed,))
    assert world.jobs.why(jids[0]).startswith("It is done: it returned after")
    assert world.jobs.why(jids[1]).startswith("It ended in error after")
    assert world.jobs.why(killed[0]) == "It was killed before it ran."
