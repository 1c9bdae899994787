"""A kill that was acknowledged holds, also when the server dies before the job did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "jobs.db", slots=2, jobs_per_seat=5)
    yield world
    world.stop()


def test_a_job_killed_while_it_ran_does_not_run_again_after_a_crash(world: World) -> None:
    world.engine.obeys = False
    jids = world.map(10)
    dependent = world.map(1, depends_on=(jids[1:2],))
    world.jobs.kill((jids[1:3],))
    assert world.status(jids[:4]) == ["processing"] * 4
    world.crash()
    assert world.status(jids[:4]) == ["processing", "killed", "killed", "processing"]
    assert world.status(dependent) == ["stalled"]
    world.run_all()
    assert world.status(jids) == ["done", "killed", "killed"] + ["done"] * 7


def test_a_job_that_is_not_restartable_is_killed_and_no_error(world: World) -> None:
    world.engine.obeys = False
    jids = world.map(1, restartable=False)
    world.jobs.kill((jids,))
    world.crash()
    assert world.status(jids) == ["killed"]


def test_a_kill_that_came_too_late_says_nothing_of_the_next_jobs(world: World) -> None:
    world.engine.obeys = False
    jids = world.map(2)
    world.jobs.kill((jids,))
    world.engine.finish_all()
    world.tick()
    later = world.map(2)
    world.crash()
    assert world.status(jids, later) == ["done", "done", "processing", "processing"]
    world.jobs.kill((later,))
    world.crash()
    assert world.status(jids, later) == ["done", "done", "killed", "killed"]
