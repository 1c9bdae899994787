"""The Engine port: workers that cannot be made ready for their jobs, and seats that one offer leaves to the next."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.dispatch.ports import Wanted
from cloud.model import Status
from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher


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
    def until_there(path: Path) -> None:
        while not path.exists():
            time.sleep(0.001)  # the job sleeps

    gate = tmp_path / "gate"
    submission = cloud.call(until_there, gate)
    cloud.feed()
    delay = cloud.engine.delay(submission.sid, 0)
    assert delay is not None
    assert "is being started" in delay or delay == "the worker is being made ready"
    cloud.started(submission)
    assert cloud.engine.delay(submission.sid, 0) is None
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
