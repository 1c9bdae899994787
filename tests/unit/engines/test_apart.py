"""The server's end of the process that talks to its cluster."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.engines.fleet import apart
from cloud.engines.fleet.apart import LinesApart
from tests.support.waiting import eventually


@pytest.fixture
def joined() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def lines(joined: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch) -> Iterator[LinesApart]:
    monkeypatch.setattr(apart, "TAKE_SECONDS", 0.05)
    monkeypatch.setattr(apart, "FIRST_PAUSE_SECONDS", 0.01)
    made = LinesApart("tests.support.scripted_clerk", {"server": "here"})
    made.open(lambda line, answer: joined.append((line.name, answer)), lambda *_: None, lambda *_: None)
    yield made
    made.close()


def test_agents_whose_answer_comes_too_late_for_who_asked_are_ours_all_the_same(
    lines: LinesApart, joined: list[tuple[str, bytes]]
) -> None:
    name = "picloud-agent/there/c1/0"
    assert lines.take([name]).here == []
    lines.start({"type": "c1"})
    next(iter(lines._lines.values())).end()
    eventually(lambda: joined == [(name, b"hello")], what="the answer that was late")
    assert lines._lines[name].here


def test_a_machine_that_cannot_start_another_process_just_now_is_asked_again(
    lines: LinesApart, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen
    refused: list[int] = []

    def refusing(*words: Any, **more: Any) -> Any:
        if len(refused) < 2:
            refused.append(1)
            raise BlockingIOError("no more processes")
        return start(*words, **more)

    monkeypatch.setattr(subprocess, "Popen", refusing)
    lines.start({"type": "c1"})
    next(iter(lines._lines.values())).end()
    eventually(lambda: len(refused) == 2 and not lines.trouble, what="another process")
