"""Tidying up where blobs are far: their store is asked beside, and nothing waits for it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.door import Door
from cloud.dispatch.retention import EVERY_SECONDS, Limits, Retention
from cloud.errors import ServerUnavailable
from cloud.pickling import pack_map
from cloud.wire import calls
from cloud.wire.message import decode
from tests.support.world import FUNCTION, World, spec

LARGE = bytes(100_000)


class Beside:
    """What was to be done in another thread, until the test lets it be done."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def __call__(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.waiting.append((work, then))

    def do(self) -> None:
        """All of it, and what comes of it."""
        while self.waiting:
            work, then = self.waiting.pop(0)
            then(work())


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=4, jobs_per_seat=10)
    world.blobs.far = True
    world.dispatcher.aside = Beside()
    yield world
    world.stop()


def beside(world: World) -> Beside:
    assert isinstance(world.dispatcher.aside, Beside)
    return world.dispatcher.aside


def submit(world: World, token: str) -> range:
    """A job whose arguments are in a blob."""
    chunk = NewChunk(0, 1, pack_map([(LARGE,)]))
    jids = world.jobs.submit(Part(token, spec(), [FUNCTION], [chunk], 1)).jids
    assert jids is not None
    return jids


def pass_over(world: World, retention: Retention) -> None:
    world.clock.advance(EVERY_SECONDS + 1)
    retention.work()


def test_what_was_put_and_never_named_is_collected(world: World) -> None:
    retention = Retention(world.dispatcher, Limits(), orphan_age_seconds=0.0)
    submit(world, "a")
    world.blobs.put("early/1/abc-0", [LARGE])
    pass_over(world, retention)
    assert sorted(world.blobs.names()) == ["args/1/0", "early/1/abc-0"]
    beside(world).do()
    assert list(world.blobs.names()) == ["args/1/0"]
    world.run_all()


def test_all_names_are_gone_through_no_more_often_than_anything_becomes_old_enough(world: World) -> None:
    retention = Retention(world.dispatcher, Limits(), orphan_age_seconds=3 * EVERY_SECONDS)
    asked: list[float] = []
    names = world.blobs.names

    def counted(older_than_seconds: float = 0.0) -> Iterator[str]:
        asked.append(older_than_seconds)
        return names(0.0)

    world.blobs.names = counted  # type: ignore[method-assign]
    for _ in range(5):
        pass_over(world, retention)
        beside(world).do()
    assert len(asked) == 2


def test_blobs_of_deleted_jobs_go_beside(world: World) -> None:
    jids = submit(world, "a")
    world.run_all()
    world.jobs.delete((jids,))
    assert list(world.blobs.names()) == ["args/1/0"]
    beside(world).do()
    assert list(world.blobs.names()) == []


def test_beyond_the_byte_limit_no_more_is_forgotten_than_the_last_count_asks_for(world: World) -> None:
    for token in "abcd":
        submit(world, token)
        world.run_all()
    beside(world).do()
    retention = Retention(world.dispatcher, Limits(max_bytes=world.store.size_bytes() + 250_000))
    assert retention.blob_bytes == 0, "not counted yet"
    for _ in range(2):
        pass_over(world, retention)
        beside(world).do()
    assert len(list(world.blobs.names())) == 2
    assert retention.blob_bytes > 400_000, "as counted last"
    for _ in range(4):
        pass_over(world, retention)
        beside(world).do()
    assert len(list(world.blobs.names())) == 2
    assert retention.blob_bytes < 250_000


def test_a_store_that_is_down_is_asked_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    retention = Retention(world.dispatcher, Limits(max_bytes=1), orphan_age_seconds=0.0)
    world.blobs.put("early/1/abc-0", [LARGE])

    def down(*_: object, **__: object) -> Any:
        raise ServerUnavailable("the blob store is down")

    with monkeypatch.context() as patch:
        patch.setattr(world.blobs, "names", down)
        patch.setattr(world.blobs, "size_bytes", down)
        pass_over(world, retention)
        beside(world).do()
    pass_over(world, retention)
    beside(world).do()
    assert list(world.blobs.names()) == []


def test_arguments_are_read_beside_however_many_ask_for_them(world: World) -> None:
    jids, door = submit(world, "a"), Door(world.dispatcher)
    waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
    door.aside = lambda work, reply: waiting.append((work, reply))
    answers: list[Any] = []
    for fields in (["status", "label"], ["args", "kwargs", "func_object"]):
        door.ask(b"".join(calls.ask("info", (jids,), fields=fields)), 1, None, answers.append)
    assert len(answers) == len(waiting) == 1
    ((work, reply),) = waiting
    reply(work())
    header, frames = decode(b"".join(answers[1]))
    (info,) = calls.read_infos(header, frames)
    assert len(info["args"]["chunk"]) > len(LARGE)
    assert bytes(info["func_object"]) == FUNCTION


def test_engines_elsewhere_are_asked_only_for_what_they_alone_know_and_for_so_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jids = world.map(4)
    asked: list[int] = []

    def slow(sid: int, index: int) -> None:
        asked.append(index)
        world.clock.advance(0.3)

    monkeypatch.setattr(world.engine, "live", slow)
    assert world.status(jids) == ["processing"] * 4
    world.jobs.info((jids,), ["status", "label", "attributes"])
    assert asked == []
    assert len(world.jobs.info((jids,), ["stdout"])) == 4
    assert asked == [0, 1]
