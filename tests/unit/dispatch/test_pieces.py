"""Questions about very many parts of a map: the same answers as about few, at the price of a few looks."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloud.dispatch import pieces
from cloud.errors import JobNotFound
from cloud.model import Ranges
from tests.support.world import World

JOBS = 600


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=JOBS)
    yield world
    world.stop()


def every(jids: range, step: int, first: int = 0) -> Ranges:
    return tuple(range(jid, jid + 1) for jid in jids[first::step])


def got(answer: Any) -> list[int]:
    return [jid for ended in answer for jid in ended.jids]


@pytest.mark.parametrize("many", [1, 10_000])
@pytest.mark.parametrize("step", [2, 3, 7])
def test_they_are_answered_as_few_are(world: World, many: int, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MANY", many)
    jids = world.map(JOBS)
    wanted = every(jids, step)
    waits = world.jobs.wait_question(wanted, timeout_seconds=None, stop_on_failure=True)
    asks = world.jobs.outcomes_question(wanted, timeout_seconds=None, linger_seconds=0.0, max_bytes=1 << 20)
    assert (waits.look(0.0), asks.look(0.0)) == (None, None)
    for cid in world.cids():
        for index in sorted(world.engine.left[cid] & set(range(100, 350))):
            world.engine.finish(cid, index, index + 1)
    world.tick()
    half = [jid for jid in jids[100:350] if (jid - jids.start) % step == 0]
    assert waits.look(0.0) is None
    answer = asks.look(0.0)
    assert got(answer) == half
    world.engine.finish_all()
    world.tick()
    waited = waits.look(0.0)
    assert waited is not None
    assert (waited.unfinished, waited.failed) == ((), None)
    assert got(asks.look(0.0)) == [jid for part in wanted for jid in part]


def test_one_that_failed_is_noticed_and_others_are_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MANY", 10)
    jids = world.map(JOBS)
    waits = world.jobs.wait_question(every(jids, 2), timeout_seconds=None, stop_on_failure=True)
    world.jobs.kill(every(jids, 2, first=1)[:5])
    world.tick()
    assert waits.look(0.0) is None
    world.jobs.kill((jids[8:9],))
    world.tick()
    waited = waits.look(0.0)
    assert waited is not None
    assert waited.failed == jids[8]


def test_one_that_was_deleted_is_missed_at_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MANY", 10)
    jids = world.map(JOBS)
    wanted = every(jids, 2)
    waits = world.jobs.wait_question(wanted, timeout_seconds=None, stop_on_failure=True)
    asks = world.jobs.outcomes_question(wanted[:20], timeout_seconds=None, linger_seconds=0.0, max_bytes=1 << 20)
    world.engine.finish_all()
    world.tick()
    world.jobs.delete(wanted[:20])
    for question in (waits, asks):
        with pytest.raises(JobNotFound) as missing:
            question.look(0.0)
        assert missing.value.jid == jids[0]


def test_while_there_is_nothing_to_say_a_look_asks_a_few_things(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jids = world.map(JOBS)
    waits = world.jobs.wait_question(every(jids, 2), timeout_seconds=None, stop_on_failure=True)
    asked: list[str] = []
    for name in ("pending", "claims", "first_failure", "all_finished", "glances", "outcomes"):
        original = getattr(world.store, name)

        def counted(*arguments: Any, name: str = name, original: Any = original, **more: Any) -> Any:
            asked.append(name)
            return original(*arguments, **more)

        monkeypatch.setattr(world.store, name, counted)
    assert waits.look(0.0) is None
    assert len(asked) <= 3
