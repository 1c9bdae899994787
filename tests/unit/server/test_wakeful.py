"""A loop that has answered a lone call stays awake for the next one, as long as that pays."""

import os
from collections.abc import Callable
from typing import Any, cast

import pytest

from cloud.server.wakeful import AWAKE_SECONDS, PASSED_OVER, Wakeful


class Rounds:
    """A loop, as far as it goes round, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.due.append(callback)

    def go_round(self) -> None:
        due, self.due = self.due, []
        for callback in due:
            callback()

    @property
    def sleeps(self) -> bool:
        """Whether nothing is left to do at once."""
        return not self.due


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    return Rounds()


def on(loop: Rounds) -> Wakeful:
    return Wakeful(cast(Any, loop), lambda: loop.now)


def test_it_is_awake_until_the_next_call_comes(loop: Rounds) -> None:
    wakeful = on(loop)
    for _ in range(3):
        wakeful.stay()
        for _ in range(5):
            loop.go_round()
        assert not loop.sleeps
        wakeful.called()
        loop.go_round()
        assert loop.sleeps


def test_it_goes_round_once_at_a_time_however_many_calls_come(loop: Rounds) -> None:
    wakeful = on(loop)
    for _ in range(10):
        wakeful.stay()
        loop.go_round()
        wakeful.called()
    wakeful.stay()
    assert len(loop.due) == 1


def test_it_falls_asleep_when_none_comes_and_passes_some_over(loop: Rounds) -> None:
    wakeful = on(loop)
    wakeful.stay()
    loop.go_round()
    loop.now += AWAKE_SECONDS
    loop.go_round()
    assert loop.sleeps
    for _ in range(PASSED_OVER):
        wakeful.stay()
        assert loop.sleeps
    wakeful.stay()
    assert not loop.sleeps


def test_the_time_counts_from_when_the_answer_has_left(loop: Rounds) -> None:
    wakeful = on(loop)
    wakeful.stay()
    loop.now += 10.0  # what else came before
    loop.go_round()
    assert not loop.sleeps


def test_where_there_is_one_processor_nobody_stays_awake(loop: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    wakeful = on(loop)
    wakeful.stay()
    assert loop.sleeps
