"""Executors and pools on real workers: initializers, cancelling, nesting, many futures."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client.session import Session
from cloud.errors import JobError, ServerUnavailable
from cloud.pool_interface import Pool
from tests.support import cpython
from tests.support.waiting import eventually


@pytest.fixture(scope="module", params=cpython.CLOUDS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Session]:
    with cpython.session_on(request.param) as session:
        yield session


def test_an_initializer_runs_once_in_each_process_before_its_first_job(anywhere: Session) -> None:
    def remember(what: str) -> None:
        os.environ["POOL_TEST"] = os.environ.get("POOL_TEST", "") + what

    def seen(_: int) -> tuple[int, str]:
        time.sleep(0.002)
        return os.getpid(), os.environ["POOL_TEST"]

    pool = Pool(initializer=remember, initargs=("x",), cloud=anywhere)
    first = dict(pool.map(seen, range(40)))
    assert set(first.values()) == {"x"}
    assert set(dict(pool.imap(seen, range(40))).values()) == {"x"}
    other = Pool(initializer=remember, initargs=("y",), cloud=anywhere)
    assert {text.count("y") for text in dict(other.map(seen, range(40))).values()} == {1}


def test_an_initializer_that_fails_breaks_the_executor_and_says_why(anywhere: Session) -> None:
    def refuse() -> None:
        raise OSError("no such licence")

    with cloud.Executor(cloud=anywhere, initializer=refuse) as executor:
        with pytest.raises(futures.BrokenExecutor, match="no such licence") as raised:
            executor.submit(abs, 1).result()
        failed = raised.value.__cause__
        assert failed is not None
        assert "OSError" in str(failed.__cause__)
        with pytest.raises(futures.BrokenExecutor):
            executor.submit(abs, 1)


def test_hundreds_of_futures_complete(anywhere: Session) -> None:
    with cloud.Executor(cloud=anywhere) as executor:
        submitted = {executor.submit(abs, -i): i for i in range(300)}
        assert all(future.result() == submitted[future] for future in futures.as_completed(submitted, timeout=300))


def test_a_running_job_cannot_be_cancelled_but_killed_and_a_queued_one_can(anywhere: Session) -> None:
    executor = cloud.Executor(cloud=anywhere)
    sleepers = [executor.submit(time.sleep, 60) for _ in range(cpython.SLOTS)]
    eventually(lambda: all(sleeper.running() for sleeper in sleepers))
    queued = executor.submit(abs, 1)
    assert queued.cancel()
    assert not sleepers[0].cancel()
    executor.kill()
    done, left = futures.wait(sleepers, timeout=120)
    assert not left
    assert {type(future.exception()) for future in done} == {JobError}


def test_a_worker_that_dies_fails_its_job_and_no_other(anywhere: Session) -> None:
    with cloud.Executor(cloud=anywhere) as executor:
        dead, alive = executor.submit(os._exit, 3), executor.submit(abs, -1)
        assert alive.result() == 1
        assert isinstance(dead.exception(), JobError)
        assert executor.submit(abs, -2).result() == 2


def test_an_exception_of_a_class_in_main_arrives_as_itself(anywhere: Session) -> None:
    class Odd(Exception):
        pass

    def raise_odd() -> None:
        raise Odd(3)

    with cloud.Executor(cloud=anywhere) as executor:
        error: Any = executor.submit(raise_odd).exception()
    assert (type(error).__name__, error.args) == ("Odd", (3,))
    assert "raise Odd(3)" in str(error.__cause__)


def test_an_executor_inside_a_job_lends_its_slot(anywhere: Session) -> None:
    where = anywhere.where

    def parent(i: int) -> int:
        import importlib

        with importlib.import_module("cloud").Executor(cloud=importlib.import_module(where)) as executor:
            return int(executor.submit(abs, -i).result())

    with cloud.Executor(cloud=anywhere) as executor:
        assert list(executor.map(parent, range(2 * cpython.SLOTS), timeout=300)) == list(range(2 * cpython.SLOTS))


def test_a_map_goes_without_a_process_waiting_for_it(anywhere: Session) -> None:
    """`executor.map` is one submission: ten thousand jobs are done in less time than hundreds of futures."""
    with cloud.Executor(cloud=anywhere) as executor:
        assert list(executor.map(abs, range(10_000))) == list(range(10_000))


def test_after_cloud_mp_was_closed_its_executor_says_so() -> None:
    with cpython.session_on("Mp") as session:
        executor = cloud.Executor(cloud=session)
        future = executor.submit(time.sleep, 60)
        session.close()
        for ask in (future.result, future.done, future.cancel, lambda: executor.submit(abs, 1), executor.shutdown):
            with pytest.raises(ServerUnavailable, match="was closed"):
                ask()
        assert not session.connection_info()["opened"]


_PROGRAM = """
import cloud.mp
from cloud.pool_interface import Pool

state, found, times = None, {}, 0

def prepare(value):
    global state, times
    state, times = value, times + 1
    found["value"] = value

def look(_):
    return state, found, times

for value in (7, 8, 8):
    with Pool(1, prepare, (value,), cloud=cloud.mp) as pool:
        print(pool.map(look, [0]), pool.starmap(look, [(0,)]), pool.apply(look, (0,)))
"""


def test_what_an_initializer_of_the_main_module_sets_is_seen_by_the_jobs_of_its_pool(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(_PROGRAM)
    environment = {**os.environ, "PICLOUD_HOME": str(tmp_path / "home"), "PICLOUD_WORKERS": "1"}
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=300, env=environment, check=True
    )
    seen = [f"({value}, {{'value': {value}}}, 1)" for value in (7, 8, 8)]
    assert done.stdout.splitlines() == [f"[{one}] [{one}] {one}" for one in seen]
