"""The thread that drives a core in a program: what callers do beside it is neither lost nor late."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.ports import Event
from cloud.errors import CloudException, ServerUnavailable
from cloud.local import AFTER_A_FAULT_SECONDS, Core, CoreThread
from cloud.model import Buffer, Status
from cloud.pickling import pack_map
from cloud.testing import ScriptedEngine
from cloud.wire import calls
from cloud.wire.message import decode
from tests.support.waiting import eventually
from tests.support.world import FUNCTION, spec

_tokens = count()
NEXT_SECONDS = 20.0
"""Sooner than the thread would wake by itself."""


class Pipes(ScriptedEngine):
    """Its jobs ask something as soon as a thread other than the core's polls."""

    def __init__(self) -> None:
        super().__init__(slots=1)
        self.questions: list[Callable[[], object]] = []
        self.deadline: float | None = None
        self.polls = 0

    def poll(self) -> list[Event]:
        self.polls += 1
        if threading.current_thread().name != "picloud":
            questions, self.questions = self.questions, []
            for question in questions:
                question()
        return super().poll()

    def next_deadline(self) -> float | None:
        return self.deadline


class Program:
    def __init__(self) -> None:
        self.engine = Pipes()
        self.core = Core(slots=1, engine=lambda _: self.engine)
        self.jobs = self.core.jobs()
        self.answers: list[dict[str, Any]] = []

    def submission(self) -> Part:
        return Part(f"t{next(_tokens)}", spec(), [FUNCTION], [NewChunk(0, 1, pack_map([(1,)]))], 1)

    def submit(self) -> range:
        jids = self.jobs.submit(self.submission()).jids
        assert jids is not None
        return jids

    def ask(self, message: list[Buffer]) -> None:
        """A job's question through its pipe."""
        self.core._on_request(b"".join(message), 1, 1, lambda parts: self.answers.append(_header(parts)))


def _header(parts: Any) -> dict[str, Any]:
    return decode(b"".join(parts))[0]


@pytest.fixture
def program() -> Iterator[Program]:
    program = Program()
    thread = CoreThread(program.core)
    eventually(lambda: program.engine.polls)
    yield program
    thread.stop()
    program.engine.close()


def test_a_change_that_a_job_asks_for_while_a_caller_polls_is_carried_out(program: Program) -> None:
    jids = program.submit()
    program.engine.questions.append(lambda: program.ask(calls.submit(program.submission())))
    program.jobs.kill((jids,))
    eventually(lambda: program.answers, within_seconds=NEXT_SECONDS)
    assert calls.read_receipt(program.answers[0]).jids == range(2, 3)


def test_a_question_that_a_job_asks_while_a_caller_polls_is_answered_at_its_deadline(program: Program) -> None:
    jids, other = program.submit(), program.submit()
    program.engine.questions.append(
        lambda: program.ask(calls.ask("wait", (other,), timeout_seconds=0.05, stop_on_failure=False))
    )
    program.engine.slots = 0
    program.jobs.kill((jids,))
    eventually(lambda: program.answers, within_seconds=NEXT_SECONDS)
    assert calls.read_waited(program.answers[0]).unfinished == (other,)


def test_a_fault_while_a_question_is_answered_reaches_the_job_that_asked(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise FileNotFoundError("the disk lost it")

    monkeypatch.setattr(program.core.store, "pending", broken)
    jids = program.submit()
    program.ask(calls.ask("status", (jids,)))
    with pytest.raises(CloudException, match="fault"):
        calls.answer_of(program.answers[0])
    assert "a fault" in caplog.text


def test_a_deadline_that_comes_nearer_just_when_the_thread_goes_to_sleep_is_kept() -> None:
    program = Program()
    core, engine = program.core, program.engine
    tick = core.tick
    beside: list[threading.Thread] = []
    overtaken = threading.Event()

    def bring_nearer() -> None:
        with core.dispatcher.lock:
            engine.deadline = time.monotonic() + 0.05
            with core.dispatcher.step():
                pass

    def tick_and_be_overtaken() -> float:
        deadline = tick()
        if not beside:
            beside.append(threading.Thread(target=bring_nearer))
            beside[0].start()
            beside[0].join(0.2)  # over by then, unless it is kept waiting, as it should be
            engine.polls = 0
            overtaken.set()
        else:
            engine.deadline = None
        return deadline

    core.tick = tick_and_be_overtaken  # type: ignore[method-assign]
    thread = CoreThread(core)
    try:
        eventually(lambda: overtaken.is_set() and engine.polls, within_seconds=NEXT_SECONDS)
    finally:
        beside[0].join()
        thread.stop()
        engine.close()


def test_a_step_beside_a_thread_that_has_ended_writes_into_no_descriptor_of_its(tmp_path: Path) -> None:
    program = Program()
    dispatcher = program.core.dispatcher
    thread = CoreThread(program.core)
    rearm = dispatcher.rearm
    thread.stop()
    files = [open(tmp_path / str(i), "w+b") for i in range(8)]  # they get the descriptors that were closed
    program.engine.deadline = 0.0
    rearm()
    dispatcher.rearm()
    assert [os.fstat(file.fileno()).st_size for file in files] == [0] * 8
    for file in files:
        file.close()
    program.engine.close()


def test_a_fault_that_stays_does_not_keep_the_thread_busy(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[float] = []

    def broken() -> list[Event]:
        tried.append(time.monotonic())
        raise RuntimeError("a fault on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(program.engine, "poll", broken)
        os.write(program.engine._writable, b"!")
        eventually(lambda: len(tried) > 1)
    assert tried[1] - tried[0] >= 0.9 * AFTER_A_FAULT_SECONDS
    assert "a fault on purpose" in caplog.text
    os.read(program.engine._readable, 1)
    jids = program.submit()
    with program.core.dispatcher.lock:
        program.engine.finish_all()
    os.write(program.engine._writable, b"!")
    eventually(lambda: program.jobs.status((jids,)) == bytes([Status.DONE]))
    os.read(program.engine._readable, 1)


def test_who_waits_when_the_core_is_closed_is_told(program: Program) -> None:
    jids = program.submit()
    told: list[BaseException] = []

    def wait() -> None:
        try:
            program.jobs.wait((jids,), timeout_seconds=None, stop_on_failure=False)
        except BaseException as error:
            told.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    eventually(lambda: len(program.core.dispatcher.waiters))
    program.core.close()
    waiting.join(60)
    assert [type(error) for error in told] == [ServerUnavailable]
