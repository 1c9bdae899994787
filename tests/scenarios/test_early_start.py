"""A lone short job that is started before its submission is on disk, and the commit that fails."""

import os
from collections.abc import Iterator, Sequence

import pytest

from cloud.dispatch.ports import Work
from cloud.errors import StoreFull
from cloud.testing import ScriptedEngine
from tests.support.world import World


class Quick(ScriptedEngine):
    """Ends single jobs as soon as they start, if told to, and wakes whoever waits for it."""

    def __init__(self) -> None:
        super().__init__(slots=2)
        self.quick = True

    def expected_seconds(self, function: str) -> float | None:
        del function
        return 1e-5

    def start(self, work: Sequence[Work]) -> None:
        super().start(work)
        if self.quick:
            for item in work:
                self.finish(item.claim.cid, item.claim.lo, item.claim.hi)
            os.write(self._writable, b"!")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.engine.close()
    engine = Quick()
    world.engine = world.dispatcher.engine = engine
    world.dispatcher._claiming._engine = world.dispatcher._early._engine = engine
    yield world
    world.stop()


def fail_commits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        world.store._roll_back()
        raise StoreFull("the disk is full")

    monkeypatch.setattr(world.store, "_commit", full)


def test_it_is_done_when_it_is_acknowledged(world: World) -> None:
    assert world.status(world.map(1)) == ["done"]
    assert world.dispatcher.tokens._live == {}


def test_outcomes_of_others_that_came_meanwhile_are_kept_and_stored_at_the_next_tick_which_is_due_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = world.engine
    assert isinstance(engine, Quick)
    engine.quick = False
    other = world.map(1, kill_process=True)
    (cid,) = world.cids()
    engine.quick = True
    rearmed: list[float | None] = []
    world.dispatcher.rearm = lambda: rearmed.append(world.dispatcher.next_deadline())
    with monkeypatch.context() as patch:
        fail_commits(world, patch)
        engine.finish(cid, 0, 1)
        with pytest.raises(StoreFull):
            world.map(1)
    assert rearmed == [world.clock.monotonic()]
    assert world.status(other) == ["processing"]
    world.tick()
    assert world.status(other) == ["done"]


def test_a_submission_that_could_not_be_stored_has_left_nothing_and_can_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_commits(world, patch)
        with pytest.raises(StoreFull):
            world.map(1, token="again")
    world.tick()
    assert world.dispatcher._claiming.held == {}
    jids = world.map(1, token="again")
    assert world.status(jids) == ["done"]
    assert world.store.of_account(1, unfinished=True) == []
