"""Accounts share the seats that there are, and leave none empty while somebody has work."""

from collections import Counter
from collections.abc import Iterator

import pytest

from cloud.dispatch.ports import Seat, Wanted
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=4)
    yield world
    world.stop()


def running(world: World) -> Counter[int]:
    return Counter(world.engine.running[cid].submission.account for cid in world.engine.left)


def test_seats_that_come_free_together_are_all_filled_at_once_and_evenly(world: World) -> None:
    world.map(10)
    world.map(10, account=2)
    assert running(world) == {1: 4}
    world.engine.finish_all()
    world.tick()
    assert running(world) == {1: 2, 2: 2}
    world.engine.finish_all()
    world.tick()
    assert running(world) == {1: 2, 2: 2}


def test_an_account_with_little_work_leaves_its_seats_to_others(world: World) -> None:
    world.map(10)
    world.map(1, account=2)
    world.engine.finish_all()
    world.tick()
    assert running(world) == {1: 3, 2: 1}


def test_accounts_take_turns_at_a_single_seat(world: World) -> None:
    world.engine.slots = 1
    for account in (1, 2, 3):
        world.map(100, account=account)
    turns: list[int] = []
    for _ in range(9):
        turns += running(world)
        world.engine.finish_all()
        world.tick()
    assert Counter(turns) == {1: 3, 2: 3, 3: 3}


def test_an_account_waits_for_one_turn_behind_a_million_jobs(world: World) -> None:
    for _ in range(100):
        world.map(10_000)
    world.map(1, account=2)
    world.engine.finish(world.cids()[0], 0, 1)
    world.tick()
    assert running(world) == {1: 3, 2: 1}


def test_who_waits_for_another_kind_of_slot_keeps_nobody_from_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where agents are of several types: of f2 there is one slot, and it is taken."""
    engine, offer = world.engine, world.engine.offer

    def offered(wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        kinds = [work.submission.spec.core_type for work in engine.running.values()]
        full = wanted.submission.spec.core_type == "f2" and "f2" in kinds
        return [] if full else offer(wanted, lent_by=lent_by)

    monkeypatch.setattr(engine, "offer", offered)
    monkeypatch.setattr(engine, "pool", lambda spec: spec.core_type)
    monkeypatch.setattr(engine, "spreads", True)
    world.map(1, core_type="f2")
    world.map(1, account=2, core_type="f2")
    world.map(20)
    assert running(world) == {1: 4}
    last = max(world.engine.left)
    world.engine.finish(last, *_left(world, last))
    world.tick()
    assert running(world) == {1: 4}


def _left(world: World, cid: int) -> tuple[int, int]:
    return min(world.engine.left[cid]), max(world.engine.left[cid]) + 1
