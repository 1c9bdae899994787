"""The Engine port: workers that cannot be made ready for their jobs, and seats that one offer leaves to the next."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.dispatch.ports import Wanted
from cloud.model import Environment, Status
from tests.contracts.engines import ENGINES, MACHINE, engine
from tests.support.scripted import HERE, Dispatcher


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


def test_a_variable_that_no_process_can_have_is_an_error_that_says_so(cloud: Dispatcher) -> None:
    jobs = cloud.finish(cloud.map(lambda i: i, range(3), os_env_vars={"A": "x\0y"}))
    for job in jobs:
        assert job.status == Status.ERROR
        assert job.text("error") == "The worker could not be made ready for the job: ValueError: embedded null byte"
        assert job.text("stderr") == ""
    assert cloud.lost == []
    assert cloud.finish(cloud.call(lambda: 1))[0].result == 1


def test_an_offer_holds_no_more_seats_than_are_of_use(cloud: Dispatcher) -> None:
    cloud.finish(cloud.call(lambda: 1))
    submission = cloud.map(lambda i: i, range(100))
    cloud.ready.clear()
    cloud.engine.poll()
    first = cloud.engine.offer(Wanted(submission, 0, 100, seats=1))
    second = cloud.engine.offer(Wanted(submission, 0, 100, seats=1))
    assert len(first) == len(second) == 1
    assert first[0].worker != second[0].worker or first[0].agent  # an agent seats its jobs itself
    assert cloud.engine.offer(Wanted(submission, 0, 100, seats=1)) == []


def test_it_says_why_a_job_does_not_run_yet(cloud: Dispatcher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nwhile [ ! -e {gate} ]; do sleep 0.01; done\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    path = tuple(p for p in sys.path if p)
    environment = Environment(HERE.cache_tag, MACHINE, str(python), path, str(tmp_path))
    submission = cloud.call(lambda: 1, environment=environment)
    cloud.until(lambda: cloud.engine.delay(submission.sid, 0) == f"its interpreter {python} is being started")
    gate.touch()
    cloud.finish(submission)
    assert cloud.engine.delay(submission.sid, 0) is None


def test_it_names_the_job_that_another_is_behind(cloud: Dispatcher, tmp_path: Path) -> None:
    def brief(path: Path | None) -> None:
        while path is not None and not path.exists():
            time.sleep(0.001)  # the job sleeps

    cloud.finish(cloud.map(brief, [None] * 100))
    gate = tmp_path / "gate"
    submission = cloud.map(brief, [gate, *[None] * 200])
    cloud.started(submission)

    def all_behind_the_first() -> bool:  # once the other worker has done its share
        delays = {cloud.engine.delay(submission.sid, index) for index in range(1, 201)} - {None}
        return all(f"before it there; job {submission.first_jid} runs now" in str(delay) for delay in delays)

    cloud.until(all_behind_the_first)
    gate.touch()
    cloud.finish(submission)
