"""The Engine port: what running jobs say, word of it for those who follow, and where they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.dispatch.ports import Said, Stack
from cloud.model import Submission
from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param, slots=1) as dispatcher:
        yield dispatcher


class Gate:
    """Where jobs stop; its `stop` travels by value."""

    def __init__(self, folder: Path) -> None:
        self._came, self._opened = folder / "came", folder / "open"
        came, opened = str(self._came), str(self._opened)

        def stop() -> None:
            import os
            import time

            open(came, "w").close()
            while not os.path.exists(opened):
                time.sleep(0.005)  # the job sleeps

        self.stop = stop

    def wait_for(self, cloud: Dispatcher) -> None:
        cloud.until(self._came.exists)

    def open(self) -> None:
        self._opened.touch()


@pytest.fixture
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture
def before_it(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("before"))


def said(cloud: Dispatcher, job: Submission, stream: str = "stdout", start: int = 0) -> Said | None:
    return cloud.engine.said(job.sid, 0, stream, start, 1000)


def until_heard(cloud: Dispatcher, job: Submission) -> None:
    heard: set[tuple[int, int]] = set()

    def there() -> bool:
        heard.update(cloud.engine.heard())
        return (job.sid, 0) in heard

    cloud.until(there)


@pytest.mark.parametrize("stream", ["stdout", "logging"])
def test_a_job_that_is_followed_before_it_runs_is_heard_when_it_speaks(
    cloud: Dispatcher, before_it: Gate, gate: Gate, stream: str
) -> None:
    stop = gate.stop

    def speak() -> None:
        import logging

        print("here", flush=True)
        logging.getLogger("x").error("here")
        stop()

    before = cloud.call(before_it.stop)
    job = cloud.call(speak)
    before_it.wait_for(cloud)
    assert said(cloud, job, stream) is None
    cloud.engine.follow(job.sid, 0)
    before_it.open()
    until_heard(cloud, job)
    cloud.finish(before)
    cloud.until(lambda: (now := said(cloud, job, stream)) is not None and b"here\n" in now.data)
    gate.open()
    cloud.finish(job)


def test_nobody_is_heard_who_is_not_followed_and_who_is_once(cloud: Dispatcher, gate: Gate) -> None:
    stop = gate.stop

    def speak() -> None:
        print("one", flush=True)
        stop()

    job = cloud.call(speak)
    cloud.until(lambda: (now := said(cloud, job)) is not None and now.data == b"one\n")
    assert said(cloud, job, start=4) == Said(4, b"", 1)
    assert not cloud.engine.heard()
    gate.open()
    cloud.finish(job)
    assert not cloud.engine.heard()
    assert said(cloud, job) is None


def test_positions_are_each_jobs_own(cloud: Dispatcher, gate: Gate) -> None:
    stop = gate.stop

    def speak() -> None:
        print("second", flush=True)
        stop()

    first = cloud.call(print, "first")
    job = cloud.call(speak)
    cloud.until(lambda: (now := said(cloud, job)) is not None and now.data == b"second\n")
    assert cloud.ended[first.sid, 0].text("stdout") == "first\n"
    assert said(cloud, job, start=3) == Said(3, b"ond\n", 1)
    assert said(cloud, job, "stderr") == said(cloud, job, "logging") == Said(0, b"", 1)
    gate.open()
    cloud.finish(job)


def test_the_stack_of_a_job_comes_by_and_by_and_of_one_that_does_not_run_there_is_none(
    cloud: Dispatcher, gate: Gate
) -> None:
    job = cloud.call(gate.stop)
    gate.wait_for(cloud)
    found: Stack | None = cloud.engine.stack(job.sid, 0)
    assert found is not None
    again = cloud.engine.stack(job.sid, 0)
    cloud.until(lambda: found.answered)
    assert again is found
    assert found.fault == ""
    assert ", in stop" in found.text
    gate.open()
    cloud.finish(job)
    assert cloud.engine.stack(job.sid, 0) is None


def test_who_asks_for_a_stack_while_the_job_ends_is_told(cloud: Dispatcher, gate: Gate) -> None:
    job = cloud.call(gate.stop)
    gate.wait_for(cloud)
    found = cloud.engine.stack(job.sid, 0)
    assert found is not None
    gate.open()
    cloud.finish(job)
    cloud.until(lambda: found.answered)
    assert ("in stop" in found.text) or ("ended" in found.fault)


def test_each_worker_says_what_it_does(cloud: Dispatcher, gate: Gate) -> None:
    job = cloud.call(gate.stop)
    cloud.feed()
    gate.wait_for(cloud)
    cloud.until(lambda: any(worker.jid is not None for worker in cloud.engine.workers(10)))
    busy = [worker for worker in cloud.engine.workers(10) if worker.jid is not None]
    assert [(w.jid, w.function, w.account, w.waits) for w in busy] == [(job.jids.start, "f", 1, False)]
    assert busy[0].pid
    assert busy[0].since > 1e9
    assert cloud.engine.workers(1)[0].jid == job.jids.start, "busy ones come first"
    assert cloud.engine.workers(0) == []
    gate.open()
    cloud.finish(job)
    cloud.until(lambda: all(worker.jid is None for worker in cloud.engine.workers(10)))
