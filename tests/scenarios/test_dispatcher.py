"""What happens to jobs: dependencies, order, kills, losses, deletion, restarts; with a scripted engine."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.jobs import Jobs
from cloud.errors import InvalidSubmission, JobNotFound, NoInterpreter
from cloud.model import Status
from cloud.pickling import pack_map
from tests.support.world import DIGEST, FUNCTION, World, spec


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.stop()


def test_a_submission_runs_at_once_when_a_seat_is_free(world: World) -> None:
    jids = world.map(3)
    assert world.status(jids) == ["processing", "processing", "queued"]


def test_results_come_in_columns_when_jobs_finish(world: World) -> None:
    jids = world.map(2)
    world.engine.finish_all()
    world.tick()
    ended = world.jobs.outcomes((jids,), timeout_seconds=0)
    assert [bytes(e.outcomes.bytes_of("result", e.outcomes.lo)) for e in ended] == [b"r"] * len(ended)
    assert sum(e.outcomes.count for e in ended) == 2


def test_jids_of_a_map_are_consecutive_and_go_on_where_the_last_ended(world: World) -> None:
    assert (world.map(3), world.map(1)) == (range(1, 4), range(4, 5))


def test_a_repeated_submission_makes_no_second_set_of_jobs(world: World) -> None:
    assert world.map(5, token="once") == world.map(5, token="once")
    assert world.map(1) == range(6, 7)


def test_a_map_sent_in_parts_runs_when_its_last_part_arrived(world: World) -> None:
    chunks = [NewChunk(i, 10, pack_map([(x,) for x in range(10)])) for i in (0, 10, 20)]
    assert world.jobs.submit(Part("p", spec(), [FUNCTION], chunks[:1])).jids is None
    assert world.jobs.submit(Part("p", None, None, chunks[2:])).jids is None
    assert world.engine.claimed() == []
    assert world.jobs.submit(Part("p", None, None, chunks[1:2], 30)).jids == range(1, 31)
    assert world.engine.claimed() != []


def test_a_seal_with_arguments_missing_is_refused(world: World) -> None:
    chunk = NewChunk(10, 10, pack_map([(x,) for x in range(10)]))
    with pytest.raises(InvalidSubmission, match="arguments of jobs 0 and up are missing"):
        world.jobs.submit(Part("p", spec(), [FUNCTION], [chunk], 20))


def test_a_function_is_asked_for_only_when_it_is_unknown(world: World) -> None:
    part = Part("a", spec(), None, [NewChunk(0, 1, pack_map([(1,)]))], 1)
    assert world.jobs.submit(part).missing_function
    world.map(1)
    assert world.jobs.submit(part).jids is not None


def test_a_function_under_a_foreign_digest_is_refused(world: World) -> None:
    part = Part("a", spec(function=DIGEST), [b"other code"], [NewChunk(0, 1, pack_map([(1,)]))], 1)
    with pytest.raises(InvalidSubmission, match="digest"):
        world.jobs.submit(part)


def test_what_the_engine_can_never_run_is_refused_and_leaves_nothing(world: World) -> None:
    world.engine.refusal = "no worker has cpython-399"
    with pytest.raises(NoInterpreter, match="cpython-399"):
        world.map(1)
    world.engine.refusal = None
    assert world.map(1) == range(1, 2)


def test_jobs_behind_a_dependency_wait_and_are_released_when_all_of_it_is_done(world: World) -> None:
    first = world.map(2)
    second = world.map(2, depends_on=(first,))
    assert world.status(second) == ["waiting", "waiting"]
    world.engine.finish(world.cids()[0], 0, 1)
    world.tick()
    assert world.status(second) == ["waiting", "waiting"]
    world.engine.finish_all()
    world.tick()
    assert world.status(second) == ["processing", "processing"]


def test_a_failed_dependency_stalls_everything_behind_it(world: World) -> None:
    first = world.map(1)
    second = world.map(2, depends_on=(first,))
    third = world.map(1, depends_on=(second,))
    world.engine.finish_all(Status.ERROR)
    world.tick()
    assert world.status(second, third) == ["stalled", "stalled", "stalled"]


def test_a_failed_dependency_may_be_ignored(world: World) -> None:
    first = world.map(1)
    second = world.map(1, depends_on=(first,), depends_on_errors="ignore")
    world.engine.finish_all(Status.ERROR)
    world.tick()
    assert world.status(second) == ["processing"]


def test_depending_on_a_job_that_has_failed_already_stalls_at_once(world: World) -> None:
    first = world.map(1)
    world.engine.finish_all(Status.ERROR)
    world.tick()
    assert world.status(world.map(2, depends_on=(first,))) == ["stalled", "stalled"]


def test_depending_on_part_of_a_map_waits_for_that_part_only(world: World) -> None:
    first = world.map(4)
    second = world.map(1, depends_on=(first[1:2],), priority=1)
    world.engine.finish(world.cids()[1], 1, 2)
    world.tick()
    assert world.status(second) == ["processing"]


def test_depending_on_a_job_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(JobNotFound):
        world.map(1, depends_on=(range(99, 100),))


def test_many_single_dependencies_open_the_barrier_when_the_last_is_done(world: World) -> None:
    singles = [world.map(1) for _ in range(20)]
    last = world.map(1, depends_on=(range(singles[0].start, singles[-1].stop),))
    world.run_all()
    assert world.status(last) == ["done"]


def test_lower_priority_numbers_run_first_and_equal_ones_in_order(world: World) -> None:
    world.map(2)
    low, high, high_too = world.map(1, priority=9), world.map(1, priority=1), world.map(1, priority=1)
    started = []
    while world.engine.left:
        world.engine.finish(world.cids()[0], *world.engine.claimed()[0][1:])
        world.tick()
        started += [w.submission.jids for w in world.engine.running.values() if w.submission.jids not in started]
    assert [j for j in started if j in (low, high, high_too)] == [high, high_too, low]


def test_a_second_account_gets_its_share_although_the_first_has_a_long_line(world: World) -> None:
    world.map(100)
    theirs = world.map(1, account=2)
    world.engine.finish(world.cids()[0], 0, 1)
    world.tick()
    assert Jobs(world.dispatcher, 2).status((theirs,)) == bytes([Status.PROCESSING])


def test_an_account_does_not_see_the_jobs_of_another(world: World) -> None:
    jids = world.map(1)
    with pytest.raises(JobNotFound):
        Jobs(world.dispatcher, 2).status((jids,))


def test_killing_queued_and_waiting_jobs_is_immediate_and_stalls_dependents(world: World) -> None:
    first = world.map(3)
    second = world.map(1, depends_on=(first,))
    world.jobs.kill((first[2:3],))
    assert world.status(first) == ["processing", "processing", "killed"]
    assert world.status(second) == ["stalled"]
    third = world.map(1, depends_on=(first[:1],))
    world.jobs.kill((third,))
    assert world.status(third) == ["killed"]


def test_killing_a_running_job_frees_its_seat(world: World) -> None:
    jids = world.map(3)
    world.jobs.kill((jids[:1],))
    assert world.status(jids) == ["killed", "processing", "processing"]


def test_killing_everything_leaves_other_accounts_alone(world: World) -> None:
    mine, theirs = world.map(5), world.map(5, account=2)
    world.jobs.kill(None)
    assert world.status(mine) == ["killed"] * 5
    assert Status.KILLED not in Jobs(world.dispatcher, 2).status((theirs,))


def test_killing_finished_jobs_changes_nothing(world: World) -> None:
    jids = world.map(2)
    world.run_all()
    world.jobs.kill((jids,))
    assert world.status(jids) == ["done", "done"]


def test_a_lost_job_runs_again_and_is_given_up_after_three_times(world: World) -> None:
    jids = world.map(1)
    for _ in range(3):
        world.engine.lose(world.cids()[0], 0, 1)
        world.tick()
        assert world.status(jids) == ["processing"]
    world.engine.lose(world.cids()[0], 0, 1)
    world.tick()
    assert world.status(jids) == ["error"]
    text = world.jobs.info((jids,), ["exception", "attempts"])[0]
    assert "the machine is gone" in text["exception"]
    assert [a["attempt"] for a in text["attempts"]] == [1, 2, 3, 4]


def test_a_lost_job_that_is_not_restartable_is_an_error_that_says_so(world: World) -> None:
    jids = world.map(1, restartable=False)
    world.engine.lose(world.cids()[0], 0, 1)
    world.tick()
    assert "_restartable is False" in world.jobs.info((jids,), ["exception"])[0]["exception"]


def test_returned_jobs_run_before_those_that_never_had_a_seat() -> None:
    world = World(slots=1, jobs_per_seat=10)
    jids = world.map(30)
    world.engine.finish(world.cids()[0], 0, 1)
    world.engine.return_(world.cids()[0], 1, 10)
    world.tick()
    assert world.engine.claimed() == [(1, 1, 11)]
    world.run_all()
    assert world.status(jids) == ["done"] * 30
    world.stop()


def test_deleted_jobs_are_gone_and_their_neighbours_stay(world: World) -> None:
    jids = world.map(4)
    world.run_all()
    world.jobs.delete((jids[1:3],))
    with pytest.raises(JobNotFound):
        world.status(jids)
    assert world.status(jids[:1], jids[3:]) == ["done", "done"]
    with pytest.raises(JobNotFound):
        world.jobs.outcomes((jids[1:2],), timeout_seconds=0)


def test_unfinished_jobs_cannot_be_deleted(world: World) -> None:
    jids = world.map(4)
    with pytest.raises(InvalidSubmission, match="only finished jobs"):
        world.jobs.delete((jids,))


def test_waiting_stops_at_the_first_failure(world: World) -> None:
    jids = world.map(4)
    world.engine.finish(world.cids()[0], 0, 1, Status.ERROR)
    world.tick()
    waited = world.jobs.wait((jids,), timeout_seconds=0, stop_on_failure=True)
    assert (waited.failed, waited.unfinished) == (1, (range(2, 5),))


def test_after_a_crash_what_ran_runs_again_and_what_was_done_stays_done(tmp_path: Path) -> None:
    world = World(tmp_path / "jobs.db")
    jids = world.map(4)
    fragile = world.map(1, restartable=False, priority=1)
    world.engine.finish(world.cids()[0], 0, 1)
    world.tick()
    assert world.status(jids, fragile) == ["done", "processing", "queued", "queued", "processing"]
    world.crash()
    assert world.status(jids, fragile) == ["done", "processing", "processing", "queued", "error"]
    world.run_all()
    assert world.status(jids, fragile) == ["done"] * 4 + ["error"]
    assert "stopped while this job was running" in world.jobs.info((fragile,), ["exception"])[0]["exception"]
    world.stop()


def test_a_map_behind_a_map_adds_a_handful_of_rows(tmp_path: Path) -> None:
    world = World(tmp_path / "jobs.db", jobs_per_seat=500)

    def rows() -> int:
        world.stop()
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            count: int = sum(db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables)
        world.start()
        return count

    first = world.map(10_000)
    before = rows()
    second = world.map(10_000, depends_on=(first,))
    assert rows() - before < 100
    world.run_all()
    assert set(world.status(first, second)) == {"done"}
    assert rows() - before < 300
    world.stop()
