"""Futures: who waits, who is told, what they raise, and what becomes of a job that is cancelled."""

import asyncio
import threading
from concurrent import futures
from typing import Any

import pytest

import cloud
from cloud.client.session import Session
from cloud.errors import CloudException, JobError, JobNotFound
from cloud.model import Status
from cloud.pool_interface import Pool
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


@pytest.fixture
def executor(session: Session) -> cloud.Executor:
    return cloud.Executor(cloud=session)


def test_a_result_is_waited_for_in_the_thread_that_asks(api: ScriptedApi, executor: cloud.Executor) -> None:
    before = threading.active_count()
    future = executor.submit(divmod, 7, 2)
    assert not future.done()
    with pytest.raises(TimeoutError):
        future.result(timeout=0)
    with pytest.raises(TimeoutError):
        future.exception(timeout=0.01)
    api.run(1)
    assert future.result() == (3, 1)
    assert future.exception() is None
    assert future.done()
    assert not future.running()
    assert threading.active_count() <= before


def test_it_runs_while_the_job_is_processing(api: ScriptedApi, executor: cloud.Executor) -> None:
    future = executor.submit(abs, 1)
    assert not future.running()
    api.jobs[1].status = Status.PROCESSING
    assert future.running()
    assert not future.cancel()


def test_what_the_job_raised_is_raised_with_the_remote_traceback(api: ScriptedApi, executor: cloud.Executor) -> None:
    future = executor.submit(lambda: dict[str, int]()["key"])
    api.run(1)
    with pytest.raises(KeyError, match="key") as raised:
        future.result()
    assert "Job 1" in str(raised.value.__cause__)
    assert "Traceback" in str(raised.value.__cause__)


@pytest.mark.parametrize("how", ["KILLED", "STALLED", "ERROR"])
def test_a_job_that_failed_without_an_exception_raises_its_error(
    api: ScriptedApi, executor: cloud.Executor, how: str
) -> None:
    future = executor.submit(abs, 1)
    api.fail(1, "gone", status=Status[how])
    with pytest.raises(JobError, match="gone") as raised:
        future.result()
    assert raised.value.jid == 1
    assert not future.cancelled()


def test_what_would_end_the_program_that_waits_stays_an_error_of_the_job(
    api: ScriptedApi, executor: cloud.Executor
) -> None:
    future = executor.submit(abs, 1)
    api.fail(1, "SystemExit: 3", SystemExit(3))
    with pytest.raises(JobError, match="SystemExit"):
        future.result()


def test_thousands_of_futures_are_heard_by_one_watcher(api: ScriptedApi, executor: cloud.Executor) -> None:
    before = threading.active_count()
    submitted = [executor.submit(abs, -i) for i in range(2000)]
    thread = threading.Thread(target=api.run, args=range(2000, 0, -1))
    thread.start()
    completed = [future.result() for future in futures.as_completed(submitted)]
    assert threading.active_count() <= before + 4
    thread.join()
    assert sorted(completed) == list(range(2000))


def test_wait_knows_what_finished_before_anybody_waited(api: ScriptedApi, executor: cloud.Executor) -> None:
    first, second = executor.submit(abs, 1), executor.submit(abs, 2)
    api.run(1)
    done, left = futures.wait([first, second], return_when=futures.FIRST_COMPLETED)
    assert (done, left) == ({first}, {second})


def test_callbacks_are_called_once_also_when_it_is_done_already(api: ScriptedApi, executor: cloud.Executor) -> None:
    heard: list[Any] = []
    future = executor.submit(abs, -1)
    future.add_done_callback(lambda f: heard.append(("early", f.result())))
    assert heard == []
    api.run(1)
    eventually(lambda: heard == [("early", 1)])
    future.add_done_callback(lambda f: heard.append(("late", f.result())))
    assert heard == [("early", 1), ("late", 1)]


def test_cancelling_kills_a_job_that_has_not_started(api: ScriptedApi, executor: cloud.Executor) -> None:
    heard: list[Any] = []
    future = executor.submit(abs, 1)
    future.add_done_callback(heard.append)
    assert future.cancel()
    assert future.cancel()
    assert api.jobs[1].status is Status.KILLED
    assert future.cancelled()
    assert heard == [future]
    assert futures.wait([future]).done == {future}
    with pytest.raises(futures.CancelledError):
        future.result()


def test_a_finished_job_cannot_be_cancelled(api: ScriptedApi, executor: cloud.Executor) -> None:
    future = executor.submit(abs, 1)
    api.run(1)
    assert not future.cancel()
    assert future.result() == 1


def test_a_job_that_was_deleted_is_an_error(api: ScriptedApi, session: Session, executor: cloud.Executor) -> None:
    future, watched = executor.submit(abs, 1), executor.submit(abs, 2)
    futures.wait([watched], timeout=0)
    session.delete([1, 2])
    for lost in (future, watched):
        with pytest.raises(JobNotFound):
            lost.result(timeout=60)


def test_closing_the_cloud_leaves_nobody_waiting_and_opens_nothing(api: ScriptedApi, session: Session) -> None:
    executor, pool = cloud.Executor(cloud=session), Pool(cloud=session)
    waited, later = executor.submit(abs, 1), executor.submit(abs, 1)
    heard: list[Any] = []
    result = pool.apply_async(abs, (1,), error_callback=heard.append)
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.extend(futures.as_completed([waited])))
    thread.start()
    eventually(lambda: len(waited._waiters) == 1)
    session.close()
    thread.join(60)
    assert done == [waited]
    with pytest.raises(CloudException, match="was closed before"):
        waited.result(0)
    assert futures.wait([later]).done == {later}
    with pytest.raises(CloudException, match="was closed before"):
        result.get(0)
    assert len(heard) == 1
    assert not session.connection_info()["opened"]


def test_asyncio_can_wait_for_it(api: ScriptedApi, executor: cloud.Executor) -> None:
    async def wait() -> Any:
        future = asyncio.wrap_future(executor.submit(abs, -3))
        asyncio.get_running_loop().call_soon(lambda: api.run(1))
        return await future

    assert asyncio.run(wait()) == 3
