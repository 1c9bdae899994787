"""Callbacks: who is called, with what, in which order, once; and `await`."""

import asyncio
import logging
import sys
import threading
from typing import Any

import pytest

from cloud.client.jobs import Job
from cloud.client.session import Session
from cloud.errors import JobError, JobNotFound, ServerUnavailable
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


class Heard:
    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def __call__(self, name: str) -> Any:
        return lambda jid: self.calls.append((name, jid))


def test_callbacks_run_in_order_with_the_job_when_it_is_done(api: ScriptedApi, session: Session) -> None:
    heard = Heard()
    jid = session.call(abs, 1, _callback=[heard("a"), heard("b")], _callback_on_error=heard("error"))
    assert heard.calls == []
    api.run(jid)
    eventually(lambda: len(heard.calls) == 2)
    assert heard.calls == [("a", 1), ("b", 1)]
    assert isinstance(heard.calls[0][1], Job)


@pytest.mark.parametrize("how", ["error", "killed", "stalled"])
def test_the_other_callbacks_run_when_it_failed(api: ScriptedApi, session: Session, how: str) -> None:
    from cloud.model import Status

    heard = Heard()
    jid = session.call(abs, 1, _callback=heard("done"), _callback_on_error=[heard("x"), heard("y")])
    api.fail(jid, "text", status=Status[how.upper()])
    eventually(lambda: len(heard.calls) == 2)
    assert heard.calls == [("x", 1), ("y", 1)]


def test_callbacks_of_a_map_run_once_per_job(api: ScriptedApi, session: Session) -> None:
    heard = Heard()
    jobs = session.map(lambda x: 1 // x, range(5), _callback=heard("done"), _callback_on_error=heard("error"))
    for jid in jobs:
        api.run(jid)
    eventually(lambda: len(heard.calls) == 5)
    assert sorted(heard.calls) == [("done", 2), ("done", 3), ("done", 4), ("done", 5), ("error", 1)]


def test_a_callback_without_parameters_is_called_without(api: ScriptedApi, session: Session) -> None:
    called = threading.Event()
    api.run(session.call(abs, 1, _callback=called.set))
    assert called.wait(60)


def test_a_crashing_callback_is_logged_and_stops_no_other(
    api: ScriptedApi, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    with caplog.at_level(logging.ERROR, logger="Cloud"):
        first = session.call(abs, 1, _callback=[lambda jid: 1 // 0, sys.exit, heard("after")])
        second = session.call(abs, 1, _callback=heard("second"))
        api.run(first, second)
        eventually(lambda: len(heard.calls) == 2)
    assert "A callback of job 1 failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_many_calls_with_callbacks_need_few_threads_and_lose_nobody(api: ScriptedApi, session: Session) -> None:
    heard = Heard()
    before = threading.active_count()
    jids = [session.call(abs, 1, _callback=heard("done")) for _ in range(50)]
    assert threading.active_count() <= before + 6
    eventually(lambda: threading.active_count() <= before + 2, what="one waits for all, one for newcomers")
    api.run(*reversed(jids))
    eventually(lambda: len(heard.calls) == 50)
    assert sorted(jid for _, jid in heard.calls) == jids
    eventually(lambda: threading.active_count() <= before, what="no thread is left when there is nothing to hear of")


def test_a_job_deleted_before_its_callback_is_logged(
    api: ScriptedApi, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    before = threading.active_count()
    heard = Heard()
    jobs = session.map(abs, range(2), _callback=heard("done"))
    session.delete(jobs[0])
    api.run(jobs[1])
    eventually(lambda: heard.calls == [("done", 2)])
    eventually(lambda: threading.active_count() <= before)
    assert "Job 1 was deleted before its callbacks" in caplog.text


def test_a_newcomer_is_heard_although_older_ones_take_for_ever(api: ScriptedApi, session: Session) -> None:
    heard = Heard()
    first = session.call(abs, 1, _callback=heard("first"))
    for _ in range(3):
        session.call(abs, 1, _callback=heard("never"))
        api.run(session.call(abs, 1, _callback=heard("new")))
    eventually(lambda: len(heard.calls) == 3, what="the newcomers are heard")
    api.run(first)
    eventually(lambda: heard.calls[3:] == [("first", 1)], what="the first one is still waited for")


def test_a_job_can_be_awaited(api: ScriptedApi, session: Session) -> None:
    async def wait_for_both() -> tuple[Any, Any]:
        job, jobs = session.call(abs, -3), session.map(abs, range(-2, 0))
        asyncio.get_running_loop().call_soon(lambda: api.run(job, *jobs))
        one, many = await asyncio.gather(job, jobs)
        return one, many

    assert asyncio.run(wait_for_both()) == (3, [2, 1])


def test_awaiting_a_failed_job_raises_its_error(api: ScriptedApi, session: Session) -> None:
    async def wait() -> None:
        jobs = session.map(lambda x: 1 // x, range(2))
        asyncio.get_running_loop().call_soon(lambda: api.run(jobs[0]))
        await jobs

    with pytest.raises(JobError, match="ZeroDivisionError"):
        asyncio.run(wait())


def test_awaiting_a_job_that_is_not_there_raises(session: Session) -> None:
    async def wait() -> None:
        await session.asynchronous.result(99)

    with pytest.raises(JobNotFound):
        asyncio.run(wait())


def test_a_newcomer_is_heard_at_once_although_others_wait(api: ScriptedApi, session: Session) -> None:
    heard = Heard()
    for _ in range(3):
        session.call(abs, 1, _callback=heard("never"))
    api.run(session.call(abs, 1, _callback=heard("soon")))
    eventually(lambda: heard.calls == [("soon", 4)])


class TestTheEndOfTheProgram:
    def test_callbacks_of_finished_jobs_are_called_before(self, api: ScriptedApi, session: Session) -> None:
        heard = Heard()
        watcher = session.watcher
        begun, go_on = threading.Event(), threading.Event()

        def slow(jid: int) -> None:
            begun.set()
            assert go_on.wait(60)
            heard.calls.append(("slow", jid))

        first = session.call(abs, 1, _callback=slow)
        second = session.call(abs, 1, _callback=heard("second"))
        api.run(first)
        assert begun.wait(60)
        api.run(second)
        threading.Timer(0.05, go_on.set).start()
        watcher.settle()
        assert sorted(heard.calls) == [("second", second), ("slow", first)]

    def test_those_of_others_are_not_and_the_log_says_so(
        self, api: ScriptedApi, session: Session, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard = Heard()
        session.map(abs, [1, 2], _callback=heard("x"))
        with caplog.at_level(logging.WARNING, "Cloud"):
            session.watcher.settle()
        assert heard.calls == []
        assert "ends before 2 of its jobs; their callbacks are not called" in caplog.text

    def test_a_server_that_does_not_answer_does_not_keep_it(
        self, api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = threading.Event()

        def refuse(*_: Any, **__: Any) -> Any:
            asked.set()
            raise ServerUnavailable("away")

        monkeypatch.setattr(api, "outcomes", refuse)
        session.call(abs, 1, _callback=lambda: None)
        watcher = session.watcher
        eventually(lambda: watcher._silent)
        asked.clear()
        watcher.settle()
        assert not asked.is_set()
