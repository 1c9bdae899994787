"""`cloud.Executor`: what it submits, what it refuses, how it ends."""

import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import pytest

import cloud
from cloud.client.session import Session
from cloud.model import Status
from cloud.pool_interface import Pool
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


def test_it_is_an_executor_and_its_arguments_are_checked(session: Session) -> None:
    assert issubclass(cloud.Executor, futures.Executor)
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        cloud.Executor(0)
    with pytest.raises(TypeError, match="max_workers must be a number of jobs, not 'four'"):
        cloud.Executor("four")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="processes must be a number of jobs, not True"):
        Pool(True)
    with pytest.raises(TypeError, match="initializer must be a callable"):
        cloud.Executor(initializer=3, cloud=session)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"unexpected keyword argument '_lable' \(did you mean _label\?\)"):
        cloud.Executor(_lable="x")
    with pytest.raises(TypeError, match=r"must be the module cloud or cloud\.mp"):
        cloud.Executor(cloud="mp")


def test_reserved_keywords_hold_for_all_jobs_and_for_one(api: ScriptedApi, session: Session) -> None:
    executor = cloud.Executor(cloud=session, _label="all", _priority=3)
    executor.submit(abs, 1)
    executor.submit(abs, 1, _label="one")
    executor.map(abs, [1])
    specs = [(api.jobs[jid].spec.label, api.jobs[jid].spec.priority) for jid in (1, 2, 3)]
    assert specs == [("all", 3), ("one", 3), ("all", 3)]


def test_wrong_arguments_are_refused_where_they_are_given(api: ScriptedApi, session: Session) -> None:
    executor = cloud.Executor(cloud=session)
    with pytest.raises(TypeError, match="takes"):
        executor.submit(lambda: 1, 2)
    with pytest.raises(TypeError, match="cannot pickle") as raised:
        executor.submit(print, threading.Lock())
    assert "argument 1" in str(raised.value.__cause__)
    assert api.jobs == {}


def test_map_is_one_submission_as_long_as_the_shortest(api: ScriptedApi, busy: Session) -> None:
    executor = cloud.Executor(cloud=busy)
    assert list(executor.map(pow, range(4), iter([2, 2, 2]))) == [0, 1, 4]
    assert list(executor.map(str.upper, "abc")) == ["A", "B", "C"]
    assert list(executor.map(abs, [])) == []
    assert list(executor.map(pow, [1], [])) == []
    with pytest.raises(ValueError, match="chunksize must be >= 1"):
        executor.map(abs, [1], chunksize=0)


def test_map_raises_where_the_job_stands_and_kills_what_has_not_started(api: ScriptedApi, session: Session) -> None:
    results = cloud.Executor(cloud=session).map(lambda x: 1 // x, [1, 0, 1, 1])
    api.run(1, 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert [api.jobs[jid].status for jid in (3, 4)] == [Status.KILLED] * 2


def test_map_runs_out_of_time(api: ScriptedApi, session: Session) -> None:
    results = cloud.Executor(cloud=session).map(abs, [1, 2], timeout=0.01)
    with pytest.raises(TimeoutError):
        next(results)


def test_shutdown_waits_and_takes_no_more(api: ScriptedApi, session: Session) -> None:
    executor = cloud.Executor(cloud=session)
    executor.submit(abs, 1)
    executor.map(abs, [1, 2])
    thread = threading.Thread(target=executor.shutdown)
    thread.start()
    eventually(lambda: ("wait", (range(1, 4),)) in api.asked)
    assert thread.is_alive()
    api.run(1, 2, 3)
    thread.join(60)
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.map(abs, [1])


def test_shutdown_can_cancel_what_has_not_started(api: ScriptedApi, session: Session) -> None:
    executor = cloud.Executor(cloud=session)
    running, queued, gone = (executor.submit(abs, i) for i in range(3))
    api.jobs[1].status = Status.PROCESSING
    session.delete(3)
    executor.shutdown(wait=False, cancel_futures=True)
    assert (running.cancelled(), queued.cancelled(), gone.cancelled()) == (False, True, False)
    assert api.jobs[1].status is Status.PROCESSING
    api.run(1)
    executor.shutdown()
    assert running.result() == 0


def test_kill_ends_what_runs_as_well(api: ScriptedApi, session: Session) -> None:
    executor = cloud.Executor(cloud=session)
    executor.submit(abs, 1)
    api.jobs[1].status = Status.PROCESSING
    executor.kill()
    assert api.jobs[1].status is Status.KILLED


def test_the_initializer_runs_once_in_a_process_before_the_jobs(busy: Session) -> None:
    import tests.unit.pools.test_executor as here

    with cloud.Executor(cloud=busy, initializer=here._remember, initargs=("a",)) as executor:
        assert executor.submit(here._remembered).result() == ["a"]
        assert list(executor.map(lambda _: here._remembered(), range(3))) == [["a"]] * 3


def test_a_failing_initializer_breaks_the_executor(busy: Session) -> None:
    executor = cloud.Executor(cloud=busy, initializer=math.sqrt, initargs=(-1,))
    with pytest.raises(futures.BrokenExecutor, match="math domain error"):
        executor.submit(abs, 1).result()
    with pytest.raises(futures.BrokenExecutor):
        executor.submit(abs, 1)


def test_jobs_are_called_by_the_name_of_their_function(api: ScriptedApi, session: Session) -> None:
    cloud.Executor(cloud=session, initializer=abs, initargs=(1,)).submit(_remembered)
    assert "_remembered" in api.jobs[1].spec.function_name


def test_import_cloud_does_not_import_executors() -> None:
    code = "import cloud, sys; print('concurrent.futures' in sys.modules, 'cloud.pools' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "False False\n"


_memory: list[Any] = []


def _remember(value: Any) -> None:
    _memory.append(value)


def _remembered() -> list[Any]:
    return _memory


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    _memory.clear()
