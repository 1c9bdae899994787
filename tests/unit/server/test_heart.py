"""The core in an event loop: woken by the engine and by deadlines, changes that arrive together share a commit."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cloud.dispatch.clock import SystemClock
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.door import Door
from cloud.dispatch.ports import Event
from cloud.errors import CloudException, InvalidSubmission
from cloud.model import Buffer, Status
from cloud.server.heart import Heart
from cloud.stores.blobs import MemoryBlobs
from cloud.stores.sqlite import SQLiteStore
from cloud.testing import ScriptedEngine
from cloud.wire import calls
from cloud.wire.message import Header, decode
from tests.support.served import part_of

PATIENCE_SECONDS = 60.0


class WakingEngine(ScriptedEngine):
    """Becomes readable when something happened, as real ones do."""

    def finish_all(self, status: Status = Status.DONE) -> None:
        super().finish_all(status)
        os.write(self._writable, b"!")

    def poll(self) -> list[Event]:
        events = super().poll()
        if events:
            os.read(self._readable, 100)
        return events


class Bench:
    """A real store, dispatcher and door with an engine that does what the test says."""

    def __init__(self) -> None:
        self.store = SQLiteStore(":memory:")
        self.engine = WakingEngine(slots=4, jobs_per_seat=10)
        self.dispatcher = Dispatcher(self.store, MemoryBlobs(), self.engine, SystemClock())
        self.door = Door(self.dispatcher)
        self.ticks = 0
        self.faults = 0

    def tick(self) -> float | None:
        self.ticks += 1
        if self.faults:
            self.faults -= 1
            raise RuntimeError("a fault on purpose")
        self.dispatcher.tick()
        self.door.flush()
        self.door.expire()
        return self.next_deadline()

    def next_deadline(self) -> float | None:
        deadlines = [self.door.next_deadline(), self.dispatcher.next_deadline()]
        return min((d for d in deadlines if d is not None), default=None)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.store.close()
    bench.engine.close()


def living(bench: Bench, story: "Callable[[Heart], Awaitable[None]]") -> None:
    """Runs the story in a loop with a beating heart."""

    async def live() -> None:
        heart = Heart(bench, asyncio.get_running_loop())  # type: ignore[arg-type]
        heart.start()
        try:
            await asyncio.wait_for(story(heart), PATIENCE_SECONDS)
        finally:
            heart.stop()

    asyncio.run(live())


def asking(heart: Heart, parts: list[Buffer]) -> "asyncio.Future[list[Buffer]]":
    future: asyncio.Future[list[Buffer]] = asyncio.get_running_loop().create_future()
    heart.ask(b"".join(parts), 1, None, future.set_result)
    return future


async def asked(heart: Heart, parts: list[Buffer]) -> tuple[Header, list[memoryview]]:
    header, frames = decode(b"".join(await asking(heart, parts)))
    calls.answer_of(header)
    return header, frames


def submission(count: int) -> list[Buffer]:
    return calls.submit(part_of(len, range(count)))


@contextmanager
def commits(bench: Bench) -> Iterator[SimpleNamespace]:
    """Counts the outermost transactions."""
    seen = SimpleNamespace(number=0, depth=0)
    real = bench.store.transaction

    @contextmanager
    def counted() -> Iterator[None]:
        seen.number += seen.depth == 0
        seen.depth += 1
        try:
            with real():
                yield
        finally:
            seen.depth -= 1

    bench.store.transaction = counted  # type: ignore[method-assign]
    yield seen


def test_submissions_that_arrive_together_share_one_commit(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        with commits(bench) as seen:
            answers = await asyncio.gather(*[asked(heart, submission(3)) for _ in range(20)])
            assert seen.number == 1
        jids = [calls.read_receipt(header).jids for header, _ in answers]
        assert sorted(j for those in jids if those is not None for j in those) == list(range(1, 61))

    living(bench, story)


def test_an_outcome_wakes_the_core_and_answers_who_waits(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        header, _ = await asked(heart, submission(5))
        jids = calls.read_receipt(header).jids
        assert jids is not None
        waiting = asking(heart, calls.ask("outcomes", (jids,), timeout_seconds=60.0))
        bench.engine.finish_all()
        header, frames = decode(b"".join(await waiting))
        assert [ended.jids for ended in calls.read_ended(header, frames)] == [jids]
        _, frames = await asked(heart, calls.ask("status", (jids,)))
        assert bytes(frames[0]) == bytes([Status.DONE]) * 5

    living(bench, story)


def test_a_held_question_is_answered_at_its_deadline_though_nothing_else_happens(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        header, _ = await asked(heart, submission(1))
        jids = calls.read_receipt(header).jids
        assert jids is not None
        asked_at = time.monotonic()
        question = calls.ask("wait", (jids,), timeout_seconds=0.05, stop_on_failure=False)
        header, _ = await asked(heart, question)
        assert calls.read_waited(header).unfinished == (jids,)
        assert time.monotonic() >= asked_at + 0.05

    living(bench, story)


def test_nothing_ticks_while_there_is_nothing_to_do(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        await asked(heart, submission(1))
        before = bench.ticks
        await asyncio.gather(*[asked(heart, calls.ask("describe", None)) for _ in range(50)])
        assert bench.ticks - before <= 1

    living(bench, story)


def test_a_withdrawn_question_is_never_answered(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        header, _ = await asked(heart, submission(1))
        jids = calls.read_receipt(header).jids
        assert jids is not None
        answers: list[Any] = []
        question = b"".join(calls.ask("wait", (jids,), timeout_seconds=60.0, stop_on_failure=False))
        withdraw = heart.ask(question, 1, None, answers.append)
        await asked(heart, calls.ask("describe", None))
        withdraw()
        bench.engine.finish_all()
        await asked(heart, calls.ask("wait", (jids,), timeout_seconds=60.0, stop_on_failure=False))
        assert answers == []
        assert len(bench.door) == 0

    living(bench, story)


def test_a_fault_in_the_core_is_logged_and_the_heart_beats_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cloud.server.heart._AFTER_A_FAULT_SECONDS", 0.01)

    async def story(heart: Heart) -> None:
        header, _ = await asked(heart, submission(1))
        jids = calls.read_receipt(header).jids
        assert jids is not None
        bench.faults = 2
        bench.engine.finish_all()
        header, _ = await asked(heart, calls.ask("wait", (jids,), timeout_seconds=60.0, stop_on_failure=False))
        assert calls.read_waited(header).unfinished == ()

    living(bench, story)
    assert "a fault in the core" in caplog.text


def test_one_that_is_refused_harms_none_of_those_that_came_with_it_and_leaves_nothing(bench: Bench) -> None:
    async def story(heart: Heart) -> None:
        part = part_of(len, range(3))
        incomplete = calls.submit(replace(part, count=4))
        nonsense = calls.ask("kill", (range(10**30, 10**30 + 1),))
        answers = await asyncio.gather(
            asked(heart, submission(2)),
            asked(heart, incomplete),
            asked(heart, nonsense),
            asked(heart, submission(2)),
            return_exceptions=True,
        )
        good, refused, malformed, also_good = answers
        assert isinstance(refused, InvalidSubmission)
        assert isinstance(malformed, CloudException)
        for answer in (good, also_good):
            assert not isinstance(answer, BaseException)
            assert calls.read_receipt(answer[0]).jids is not None
        assert bench.store.find_token(1, part.token) is None

    living(bench, story)
