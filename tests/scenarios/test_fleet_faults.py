"""What goes wrong between a server and its agents elsewhere: stops, repetitions, agents of no use, late ones."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.dispatch.ports import Said
from cloud.engines.fleet import foreman, growth, looks
from cloud.wire.message import decode, encode
from tests.scenarios.test_fleet import Server, runs_in, times_run
from tests.support.fleet import ThreadLine
from tests.support.waiting import eventually


def test_a_server_that_was_stopped_itself_does_not_take_its_agents_for_dead(
    started: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started(silent_seconds=5.0)
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(runs_in(tmp_path, "go"), [1], restartable=False)
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (line,) = server.lines.lines
    line.passable.clear()  # nobody listens while all of the server's process is stopped
    server.engine.poll()
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    server.dispatcher.tick()
    monkeypatch.undo()
    assert server.statuses(jids) == ["processing"]
    line.passable.set()
    (tmp_path / "go").touch()
    assert server.finished(jids) == [10]


def test_an_agent_that_was_stopped_waits_for_its_server(
    started: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(runs_in(tmp_path, "go"), [1], restartable=False)
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (line,) = server.lines.lines
    foreman, stopped = line.foreman, threading.Event()
    agent = foreman._agent
    next_deadline = agent.next_deadline

    def stands_still() -> float | None:
        """Its thread, in which this is called before it sleeps."""
        if not stopped.is_set():
            foreman._listened_at -= 100
            foreman._passed_at -= 100
            stopped.set()
        return next_deadline()

    monkeypatch.setattr(agent, "next_deadline", stands_still)
    server.until(stopped.is_set)
    (tmp_path / "go").touch()
    assert server.finished(jids) == [10]


def test_calls_that_the_cluster_repeats_do_no_harm(started: Callable[..., Server], tmp_path: Path) -> None:
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    (line,) = server.lines.lines
    tell = line.foreman.tell

    def twice(epoch: str, number: int, message: bytes) -> None:
        tell(epoch, number, message)
        line.foreman.hello(epoch)
        tell(epoch, number, message)

    line.foreman.tell = twice  # type: ignore[method-assign]
    for first in range(0, 40, 10):
        jids = server.map(runs_in(tmp_path), list(range(first, first + 10)), restartable=False)
        assert server.finished(jids) == [item * 10 for item in range(first, first + 10)]
    assert {times_run(tmp_path, item) for item in range(40)} == {1}


def test_an_agent_of_another_version_is_not_used_and_the_log_says_why(
    started: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    greet = ThreadLine.greet
    monkeypatch.setattr(growth, "FIRST_PAUSE_SECONDS", 0.05)
    old: list[str] = []

    def as_of_old(line: ThreadLine) -> bytes:
        answer = greet(line)
        if len(old) >= 3:
            return answer
        old.append(line.name)
        header, _ = decode(answer)
        return b"".join(encode({**header, "protocol": 0, "version": "0.0.9"}))

    monkeypatch.setattr(ThreadLine, "greet", as_of_old)
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    assert len(server.lines.lines) == 4
    assert "has version 0.0.9 of picloud" in caplog.text
    assert server.finished(server.map(lambda i: i, [1])) == [1]


def test_jobs_of_an_agent_that_joins_late_are_dropped_since_others_have_them(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    first = started()
    first.until(lambda: first.engine.state().slots == 1)
    jids = first.map(runs_in(tmp_path, "go"), [1])
    first.until(lambda: times_run(tmp_path, 1) == 1)
    (late,) = first.lines.lines
    first.crash()
    second = started(earlier=None)  # it did not find the agent
    second.until(lambda: times_run(tmp_path, 1) == 2)
    line = ThreadLine(late.name, late.kind, late.agent)
    second.engine._post("joined", line, line.greet())
    second.lines._listen_to(line)
    second.until(lambda: second.engine.state().slots == 2)
    second.until(lambda: second.engine.state().busy == 1)
    (tmp_path / "go").touch()
    assert second.finished(jids) == [10]
    assert times_run(tmp_path, 1) == 2


def test_more_than_an_answer_holds_comes_in_several(
    started: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreman, "LISTEN_BYTES", 100)
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(lambda i: str(i) * 50, list(range(300)))
    assert server.finished(jids) == [str(i) * 50 for i in range(300)]


def test_that_jobs_were_dropped_is_not_taken_for_their_end(started: Callable[..., Server], tmp_path: Path) -> None:
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(runs_in(tmp_path, "never"), [1])
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (claim,) = server.store.claims_of(1)
    (line,) = server.lines.lines
    line.tell(b"".join(encode({"op": "drop", "cids": [claim.cid], "reason": "others have them"})))
    server.until(lambda: server.engine.state().busy == 0)
    assert server.statuses(jids) == ["processing"]


def test_jobs_of_an_agent_that_another_server_took_are_not_lost(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started(least=1)
    first.until(lambda: first.engine.state().slots == 1)
    jids = first.map(runs_in(tmp_path, "go"), [1], restartable=False)
    first.until(lambda: times_run(tmp_path, 1) == 1)
    first.store.close()
    second = started(earlier=first)  # while the first still lives, as if it had only been stopped for a while
    events: list[Any] = []

    def gone() -> bool:
        nonlocal events
        events += first.engine.poll()
        return not first.engine.state().agents

    eventually(gone)
    assert events == []
    (tmp_path / "go").touch()
    assert second.finished(jids) == [10]


def test_who_asks_what_a_job_said_and_gets_no_answer_in_time_is_told_to_ask_again(
    started: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    run = runs_in(tmp_path, "go")
    jids = server.map(lambda item: (print("word", flush=True), run(item)), [1])
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (submission,) = server.store.at_jids(jids)
    job = (submission.sid, 0)
    server.engine.heard()
    monkeypatch.setattr(server.lines.lines[0], "ask", lambda *_: b"")
    assert server.engine.said(*job, "stdout", 0, 100) is None
    monkeypatch.undo()
    eventually(lambda: server.engine.poll() == [] and job in server.engine.heard())
    monkeypatch.setattr(looks, "ASK_SECONDS", 60.0)
    # An agent that was not heard for a while is not asked.
    eventually(
        lambda: (
            server.engine.poll() == []
            and (said := server.engine.said(*job, "stdout", 0, 100)) is not None
            and said.data == b"word\n"
        )
    )
    (tmp_path / "go").touch()


def test_what_a_job_says_between_a_look_and_that_it_is_followed_is_heard(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    def speaks(item: int) -> int:
        import time

        (tmp_path / "runs").touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.01)
        print("word", flush=True)
        while not (tmp_path / "end").exists():
            time.sleep(0.01)
        return item

    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(speaks, [1])
    server.until(lambda: (tmp_path / "runs").exists())
    (submission,) = server.store.at_jids(jids)
    job = (submission.sid, 0)
    said = eventually(lambda: server.engine.poll() == [] and server.engine.said(*job, "stdout", 0, 100))
    assert isinstance(said, Said)
    assert said.data == b""
    (tmp_path / "go").touch()
    question = b"".join(encode({"op": "said", "arguments": [*job, "stdout", 0, 1]}))
    eventually(lambda: b"w" in decode(server.lines.lines[0].ask(question, 60.0))[1])
    server.engine.follow(*job)
    eventually(lambda: server.engine.poll() == [] and job in server.engine.heard())
    (tmp_path / "end").touch()
