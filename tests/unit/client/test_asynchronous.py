"""`cloud.aio` and `await job`: event loops wait for jobs without being held up, and without a thread for each."""

import asyncio
import threading
import traceback
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from cloud.client.asynchronous import Asynchronous
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError, JobNotFound
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


@pytest.fixture
def aio(session: Session) -> Asynchronous:
    return session.asynchronous


def run(story: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(60):
            return await story

    return asyncio.run(bounded())


async def soon(condition: Any) -> None:
    await asyncio.to_thread(eventually, condition)


def test_what_cloud_can_do_can_be_awaited(api: ScriptedApi, aio: Asynchronous) -> None:
    async def story() -> None:
        job = await aio.call(abs, -3)
        jobs = await aio.map(abs, range(-2, 0))
        assert await aio.status(job) == "queued"
        assert await aio.status(jobs) == ["queued", "queued"]
        asyncio.get_running_loop().call_soon(lambda: api.run(job, *jobs))
        await aio.join([job, *jobs])
        assert (await job, await jobs, await aio.result([jobs[1], job])) == (3, [2, 1], [1, 3])
        assert (await aio.info(job, "status"))[int(job)] == {"status": "done"}
        assert await aio.result([]) == []
        other = await aio.call(abs, 1)
        await aio.kill(other)
        await aio.delete(other)
        with pytest.raises(JobNotFound):
            await aio.result(other)

    run(story())


def test_hundreds_are_awaited_by_a_few_threads(api: ScriptedApi, session: Session) -> None:
    before = threading.active_count()

    async def story() -> tuple[int, list[Any]]:
        jobs = [session.call(abs, -n) for n in range(300)]
        waits = [asyncio.ensure_future(_awaited(job)) for job in jobs]
        await soon(lambda: len(session.watcher._roll.missing) == 1 and len(session.watcher._roll.missing[0]) == 300)
        threads = threading.active_count() - before
        api.run(*reversed(jobs))
        return threads, await asyncio.gather(*waits)

    threads, values = run(story())
    assert values == list(range(300))
    assert threads < 12


def test_a_wait_that_is_cancelled_kills_nothing_and_is_forgotten(api: ScriptedApi, session: Session) -> None:
    async def story() -> None:
        job, jobs = session.call(abs, -3), session.map(abs, [1, 2])
        waits = [asyncio.ensure_future(wait) for wait in (_awaited(job), _awaited(jobs), _awaited(job))]
        await soon(lambda: session.watches and session.watcher._roll.missing == (range(1, 4),))
        for wait in waits[:2]:
            wait.cancel()
        await asyncio.wait(waits[:2])
        assert session.watcher._roll.missing == (range(1, 2),)
        assert (api.killed, session.status([job])) == ([], ["queued"])
        api.run(job)
        assert await waits[2] == 3

    run(story())


async def _awaited(handle: Any) -> Any:
    return await handle


def test_a_failure_is_raised_at_once_and_tersely(api: ScriptedApi, session: Session, aio: Asynchronous) -> None:
    async def story() -> None:
        jobs = session.map(lambda x: 1 // x, range(2))
        api.run(jobs[0])
        for wait in (jobs, aio.join(jobs), aio.result(jobs[0])):
            with pytest.raises(JobError, match="ZeroDivisionError") as raised:
                await wait
            assert len(traceback.extract_tb(raised.value.__traceback__)) <= 3
        other = asyncio.ensure_future(_awaited(jobs[1]))
        done = asyncio.ensure_future(aio.result(jobs, ignore_errors=True))
        await asyncio.sleep(0)
        assert not other.done(), "it is not the one that failed"
        api.run(jobs[1])
        assert await other == 1
        assert isinstance((await done)[0], JobError)

    run(story())


def test_a_timeout_says_what_is_unfinished(api: ScriptedApi, aio: Asynchronous, session: Session) -> None:
    async def story() -> None:
        jobs = session.map(abs, range(3))
        api.run(jobs[1])
        unfinished: object = [1, 2, 3]
        while unfinished == [1, 2, 3]:  # of the one that ended it may hear too late
            with pytest.raises(CloudTimeoutError, match=r"cloud\.aio\.result timed out") as raised:
                await aio.result(jobs, timeout=0.05)
            unfinished = raised.value.jid
        assert unfinished == [1, 3]

    run(story())


def test_closing_the_cloud_ends_waits_with_an_error(session: Session) -> None:
    async def story() -> None:
        wait = asyncio.ensure_future(_awaited(session.call(abs, 1)))
        await soon(lambda: session.watches and session.watcher._roll.missing)
        session.close()
        with pytest.raises(CloudException, match="the cloud was closed"):
            await wait

    run(story())


def test_results_in_order_come_as_they_are_there_and_go_on_behind_failures(
    api: ScriptedApi, aio: Asynchronous, session: Session
) -> None:
    async def story() -> None:
        jobs = session.map(lambda x: 10 // x, [1, 0, 2, 5])
        results = aio.iresult(jobs, timeout=0.05)

        async def following() -> Any:  # it may well be late, and can be asked again
            while True:
                try:
                    return await anext(results)
                except CloudTimeoutError:
                    continue

        api.run(jobs[0])
        assert await following() == 10
        with pytest.raises(CloudTimeoutError):
            await anext(results)
        api.run(jobs[1], jobs[2])
        with pytest.raises(JobError, match="ZeroDivisionError"):
            await following()
        api.run(jobs[3])
        assert [await following(), await following()] == [5, 2]
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        assert [str(value)[:5] async for value in aio.iresult(jobs, ignore_errors=True)] == ["10", "Job 2", "5", "2"]

    run(story())


def test_results_come_in_any_order_one_by_one(api: ScriptedApi, aio: Asynchronous, session: Session) -> None:
    async def story() -> None:
        jobs = session.map(lambda x: 10 // x, [1, 0, 2])
        found = aio.iresult_unordered(jobs)
        api.run(jobs[2])
        assert await anext(found) == (jobs[2], 5)
        api.run(jobs[1], jobs[0])
        assert [pair async for pair in found] == [(jobs[0], 10)]
        errors = [job async for job, value in aio.iresult_unordered(jobs, ignore_errors=True) if value not in (10, 5)]
        assert errors == [jobs[1]]

    run(story())


def test_many_small_results_take_few_questions(api: ScriptedApi, aio: Asynchronous, session: Session) -> None:
    async def story() -> None:
        jobs = session.map(abs, range(1000))
        api.run(*jobs)
        asked = len(api.asked)
        assert [value async for value in aio.iresult(jobs)] == list(range(1000))
        assert {job: value async for job, value in aio.iresult_unordered(jobs)} == dict(enumerate(range(1000), 1))
        assert len(api.asked) - asked < 20

    run(story())


@pytest.fixture(autouse=True)
def _threads_end(session: Session) -> Iterator[None]:
    yield
    session.close()
