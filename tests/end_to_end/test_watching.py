"""Watching jobs while they run: `cloud.output` and `cloud.stack`, from programs, from jobs, across a crash."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import mp
from cloud.client import connect
from cloud.client.session import Session
from cloud.dispatch.jobs import Jobs
from cloud.errors import JobNotFound, JobNotRunning
from cloud.local import FIRST_ACCOUNT, Pool
from tests.end_to_end.test_durability import facts
from tests.support.gates import Gate


@pytest.fixture(params=["mp", "server"])
def cloud(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """With a single worker."""
    del home
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    if request.param == "mp":
        mp.close()
    session = mp._session if request.param == "mp" else connect.network_session()
    yield session
    session.kill()
    session.close()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    folder = tmp_path / "gate"
    folder.mkdir()
    return Gate(str(folder))


def test_text_comes_while_the_job_runs_and_ends_with_it(cloud: Session, gate: Gate) -> None:
    def speak() -> None:
        print("before é")
        gate.stop()
        print("behind")

    job = cloud.call(speak)
    text = job.output(follow=True)
    assert next(text) == "before é\n"
    gate.wait_for()
    assert job.output() == "before é\n"
    assert "in speak" in job.stack()
    gate.open()
    assert list(text) == ["behind\n"]
    assert job.output() == cloud.output(job) == "before é\nbehind\n"
    assert job.output("stderr") == ""
    with pytest.raises(JobNotRunning):
        cloud.stack(job)


def test_who_stops_following_leaves_the_job_alone(cloud: Session, gate: Gate) -> None:
    def speak() -> int:
        print("here")
        gate.stop()
        return 1

    job = cloud.call(speak)
    text = iter(job.output(follow=True))
    assert next(text) == "here\n"
    del text
    gate.open()
    assert job.result() == 1


def test_a_job_follows_another_one_on_the_only_worker(cloud: Session) -> None:
    kind = cloud.kind

    def outer() -> str:
        import importlib

        here = importlib.import_module("cloud.mp" if kind else "cloud")

        def inner() -> None:
            print("from within")

        return "".join(here.call(inner).output(follow=True))

    assert cloud.result(cloud.call(outer), timeout=300) == "from within\n"


def test_of_a_job_that_was_lost_the_next_attempt_follows(cloud: Session, gate: Gate) -> None:
    def speak() -> None:
        print(os.getpid(), flush=True)
        gate.stop()

    job = cloud.call(speak)
    text = job.output(follow=True)
    os.kill(int(next(text)), signal.SIGKILL)
    assert next(text) == "[the job runs again, attempt 2]\n"
    second = next(text)
    gate.open()
    assert list(text) == []
    assert job.output() == second
    assert [loss["attempt"] for loss in job.info("attempts")["attempts"]] == [1, 2]


def test_following_goes_on_behind_a_crash_of_the_server(home: Path, gate: Gate) -> None:
    cloud = connect.network_session()

    def speak() -> None:
        print("here", flush=True)
        gate.stop()
        print("there")

    job = cloud.call(speak)
    text = job.output(follow=True)
    assert next(text) == "here\n"
    os.kill(int(str(facts(home)["pid"])), signal.SIGKILL)
    assert next(text) == "[the job runs again, attempt 2]\n"
    assert next(text) == "here\n"
    gate.open()
    assert list(text) == ["there\n"]
    cloud.close()


def test_the_job_of_another_account_cannot_be_watched_nor_told_from_one_that_is_not_there(gate: Gate) -> None:
    pool = Pool(1)
    mine = Session(lambda: pool, "mp")
    job = mine.call(gate.stop)
    gate.wait_for()
    stranger = Jobs(pool.core.dispatcher, FIRST_ACCOUNT + 1)
    with pytest.raises(JobNotFound):
        stranger.output(job, "stdout", timeout_seconds=0)
    with pytest.raises(JobNotFound):
        stranger.stack(job)
    gate.open()
    mine.join(job)
    mine.close()
