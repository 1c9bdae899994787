"""A fault of ours in one place leaves everything else running."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloud.dispatch.dispatcher import RETRY_AFTER_SECONDS
from cloud.dispatch.ports import Seat, Wanted
from cloud.errors import ServerUnavailable
from cloud.model import Outcomes
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=3)
    yield world
    world.stop()


def test_an_outcome_that_cannot_be_stored_is_an_error_and_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jids = world.map(4)
    finish = world.store.finish

    def picky(cid: int, outcomes: Outcomes, **more: Any) -> bool:
        if outcomes.lo == 1 and outcomes.result is not None:
            raise RuntimeError("not this one")
        return bool(finish(cid, outcomes, **more))

    monkeypatch.setattr(world.store, "finish", picky)
    world.engine.finish_all()
    world.tick()
    world.clock.advance(RETRY_AFTER_SECONDS + 1)
    world.tick()
    world.run_all()
    assert world.status(jids) == ["done", "error", "done", "done"]
    assert "not this one" in world.jobs.info((jids[1:2],), ["exception"])[0]["exception"]


def test_what_follows_a_commit_follows_also_when_one_thing_of_it_fails(world: World) -> None:
    jids = world.map(1)

    def fails(_: Outcomes) -> None:
        raise RuntimeError("a listener's fault")

    world.dispatcher.arrivals.on_finish = fails
    world.engine.finish_all()
    world.tick()
    assert world.status(jids) == ["done"]
    assert len(world.jobs.outcomes((jids,), timeout_seconds=0)) == 1


def test_a_submission_that_makes_the_engine_stumble_ends_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = world.map(3)
    offer = world.engine.offer

    def picky(wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        if wanted.submission.spec.label == "spoilt":
            raise ValueError("embedded null byte")
        return offer(wanted, lent_by=lent_by)

    monkeypatch.setattr(world.engine, "offer", picky)
    spoilt, behind = world.map(5, label="spoilt"), world.map(2)
    world.run_all()
    assert world.status(busy, behind) == ["done"] * 5
    assert world.status(spoilt) == ["error"] * 5
    text = world.jobs.info((spoilt[:1],), ["exception"])[0]["exception"]
    assert text == "The job could not be started: ValueError: embedded null byte. The log of the server has more."
    assert world.jobs.wait((spoilt,), timeout_seconds=0, stop_on_failure=False).unfinished == ()


@pytest.mark.parametrize("alone", [True, False])
def test_a_submission_of_which_no_work_can_be_made_ends_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    others = [] if alone else [world.map(3)]
    function = world.store.function
    monkeypatch.setattr(world.store, "function", lambda _: None)
    spoilt = world.map(1 if alone else 4)
    if not alone:
        world.engine.finish_all()
        world.tick()
    monkeypatch.setattr(world.store, "function", function)
    assert set(world.status(spoilt)) == {"error"}
    others.append(world.map(2))
    world.run_all()
    assert set(world.status(*others)) == {"done"}


def test_outcomes_that_come_while_others_are_stored_are_kept_when_the_store_goes_away(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jids = world.map(3)
    offer, transaction = world.engine.offer, world.store.transaction

    def picky(wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        if wanted.submission.spec.label == "spoilt":
            raise ValueError("embedded null byte")
        return offer(wanted, lent_by=lent_by)

    def away() -> Any:
        raise ServerUnavailable("the store does not answer", retry=True)

    def another_ends(_: Outcomes) -> None:
        world.dispatcher.arrivals.on_finish = None
        world.engine.finish_all()
        monkeypatch.setattr(world.store, "transaction", away)

    world.map(1, label="spoilt")
    monkeypatch.setattr(world.engine, "offer", picky)  # what ends it is looked after at once, behind the next commit
    world.dispatcher.arrivals.on_finish = another_ends
    first = world.cids()[0]
    world.engine.finish(first, 0, 1)
    world.tick()
    monkeypatch.setattr(world.store, "transaction", transaction)
    world.clock.advance(RETRY_AFTER_SECONDS + 1)
    world.tick()
    assert world.status(jids) == ["done"] * 3
    assert "refused" not in caplog.text
    assert caplog.text.index("kept in memory") < caplog.text.index("the store takes outcomes again")
