"""A kill reaches its job wherever that is: also on its way back from a worker, or lost with it."""

from collections.abc import Iterator

import pytest

from cloud.dispatch.door import Door
from cloud.model import Buffer
from cloud.wire import calls
from cloud.wire.message import decode
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=1, jobs_per_seat=10)
    yield world
    world.stop()


def only(jids: range, index: int) -> range:
    return jids[index : index + 1]


def test_a_job_that_was_just_given_back_is_killed_and_not_run_again(world: World) -> None:
    jids = world.map(10)
    (cid,) = world.cids()
    world.engine.return_(cid, 5, 10)
    world.jobs.kill((only(jids, 7),))
    world.tick()
    assert world.status(only(jids, 7)) == ["killed"]
    assert world.status(only(jids, 6), only(jids, 8)) == ["queued", "queued"]


def test_a_job_that_is_lost_while_it_is_being_killed_is_killed_and_not_run_again(world: World) -> None:
    jids = world.map(3)
    (cid,) = world.cids()
    world.engine.lose(cid, 0, 1)
    world.engine.return_(cid, 1, 3)
    world.jobs.kill((only(jids, 0),))
    world.tick()
    assert world.status(only(jids, 0)) == ["killed"]
    info = world.jobs.info((only(jids, 0),), ["exception"])
    assert "Killed" in info[0]["exception"]


def test_an_engine_that_gives_back_the_neighbours_of_a_killed_job_does_not_hide_them_from_the_next_kill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jids = world.map(10)
    engine = world.engine

    def kill(cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        if any(index in engine.left.get(cid, ()) for index in range(lo, hi)):
            engine.finish(cid, lo, hi, status=world_killed, error=reason)
            behind = [i for i in engine.left.get(cid, ()) if i >= hi]
            if behind:
                engine.return_(cid, min(behind), max(behind) + 1)

    from cloud.model import Status

    world_killed = Status.KILLED
    monkeypatch.setattr(engine, "kill", kill)
    world.jobs.kill((only(jids, 3), only(jids, 5), only(jids, 7)))
    assert world.status(*(only(jids, i) for i in (3, 5, 7))) == ["killed"] * 3
    door = Door(world.dispatcher)
    answers: list[object] = []

    def answer(parts: list[Buffer]) -> None:
        answers.append(calls.answer_of(decode(b"".join(parts))[0]))

    for index in (0, 1, 2):
        door.ask(b"".join(calls.ask("kill", (only(jids, index),), force=False)), 1, None, answer)
    door.flush()
    assert answers == [None] * 3
    assert world.status(*(only(jids, i) for i in (0, 1, 2))) == ["killed"] * 3
