"""A fault of ours in one place leaves everything else running."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloud.dispatch.dispatcher import RETRY_AFTER_SECONDS
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
