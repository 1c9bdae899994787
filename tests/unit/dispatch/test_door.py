"""The door: group commit, questions held without a thread, malformed requests that harm nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.door import MAX_HELD_SECONDS, Door
from cloud.errors import CloudException, InvalidSubmission, JobNotFound, ProtocolMismatch, StoreFull
from cloud.model import Buffer, Stretch
from cloud.pickling import pack_map
from cloud.wire import calls
from cloud.wire.message import MAGIC, PREFIX, decode, encode
from tests.support.world import FUNCTION, World, spec

SUBMISSION = {"op": "submit", "token": "x", "chunks": [], "count": 1, "spec": []}


def nested(depth: int) -> bytes:
    """A message whose header no JSON parser wants to read."""
    return PREFIX.pack(MAGIC, depth, 0, 0) + b"[" * depth


class Asked:
    """A door and the answers that came out of it, in order."""

    def __init__(self) -> None:
        self.world = World()
        self.door = Door(self.world.dispatcher)
        self.answers: list[tuple[dict[str, Any], list[memoryview]]] = []

    def ask(self, parts: list[Buffer]) -> Any:
        return self.door.ask(b"".join(parts), 1, None, self.answer)

    def answer(self, parts: list[Buffer]) -> None:
        self.answers.append(decode(b"".join(parts)))

    def submit(self, token: str, n: int = 1) -> None:
        chunk = NewChunk(0, n, pack_map([(i,) for i in range(n)]))
        self.ask(calls.submit(Part(token, spec(), [FUNCTION], [chunk], n)))


@pytest.fixture
def asked() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.world.stop()


def test_changes_of_one_turn_share_a_transaction_and_are_answered_after_it(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    transaction: Callable[[], AbstractContextManager[None]] = asked.world.store.transaction

    def counted() -> AbstractContextManager[None]:
        begun.append(1)
        return transaction()

    monkeypatch.setattr(asked.world.store, "transaction", counted)
    for token in "abc":
        asked.submit(token)
    assert (asked.answers, asked.door.wants_flush) == ([], True)
    asked.door.flush()
    assert [calls.read_receipt(h).jids for h, _ in asked.answers] == [range(1, 2), range(2, 3), range(3, 4)]
    assert len(begun) == 1


def test_a_refused_change_does_not_take_its_neighbours_along(asked: Asked) -> None:
    asked.submit("a")
    asked.ask(calls.submit(Part("b", spec(depends_on=(range(50, 51),)), [FUNCTION], [], 1)))
    asked.submit("c")
    asked.door.flush()
    assert [("ok" in h) for h, _ in asked.answers] == [True, False, True]
    with pytest.raises(JobNotFound):
        calls.read_receipt(asked.answers[1][0])


def test_when_the_store_is_full_all_of_them_are_told_and_nothing_was_done(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(asked.world.store, "seal", full)
    asked.submit("a")
    asked.submit("b")
    asked.door.flush()
    for header, _ in asked.answers:
        with pytest.raises(StoreFull, match="no room"):
            calls.answer_of(header)
    monkeypatch.undo()
    asked.submit("a")
    asked.door.flush()
    assert calls.read_receipt(asked.answers[-1][0]).jids == range(1, 2)


def test_a_question_is_answered_when_the_job_ends(asked: Asked) -> None:
    jids = asked.world.map(1)
    asked.ask(calls.ask("outcomes", (jids,), timeout_seconds=None))
    assert (asked.answers, len(asked.door)) == ([], 1)
    asked.world.engine.finish_all()
    asked.world.tick()
    ended = calls.read_ended(*asked.answers[0])
    assert (ended[0].jids, len(asked.door)) == (jids, 0)


def test_a_question_is_answered_empty_when_it_was_held_long_enough(asked: Asked) -> None:
    jids = asked.world.map(1)
    asked.ask(calls.ask("wait", (jids,), timeout_seconds=None, stop_on_failure=True))
    asked.world.clock.advance(MAX_HELD_SECONDS - 1)
    asked.door.expire()
    assert asked.answers == []
    asked.world.clock.advance(2)
    asked.door.expire()
    assert calls.read_waited(asked.answers[0][0]).unfinished == (jids,)


def test_a_withdrawn_question_is_never_answered(asked: Asked) -> None:
    jids = asked.world.map(1)
    withdraw = asked.ask(calls.ask("outcomes", (jids,), timeout_seconds=None))
    withdraw()
    asked.world.engine.finish_all()
    asked.world.tick()
    assert (asked.answers, len(asked.door)) == ([], 0)


def test_a_lingering_question_waits_for_the_rest_but_not_longer_than_it_said(asked: Asked) -> None:
    jids = asked.world.map(2)
    asked.world.engine.finish(asked.world.cids()[0], 0, 1)
    asked.world.tick()
    asked.ask(calls.ask("outcomes", (jids,), timeout_seconds=None, linger_seconds=0.5))
    assert asked.answers == []
    asked.world.clock.advance(0.6)
    asked.door.expire()
    assert sum(len(e.jids) for e in calls.read_ended(*asked.answers[0])) == 1


def test_a_job_deleted_while_it_is_waited_for_is_an_error_and_no_silence(asked: Asked) -> None:
    jids = asked.world.map(2)
    asked.ask(calls.ask("wait", (jids,), timeout_seconds=None, stop_on_failure=False))
    asked.world.engine.finish(asked.world.cids()[0], 0, 1)
    asked.world.tick()
    asked.world.jobs.delete((jids[:1],))
    asked.world.engine.finish_all()
    asked.world.tick()
    with pytest.raises(JobNotFound):
        calls.answer_of(asked.answers[0][0])


def test_a_question_that_meets_a_fault_of_ours_is_answered_and_holds_up_no_other(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = asked.world.map(1), asked.world.map(1)
    asked.ask(calls.ask("outcomes", (broken,), timeout_seconds=None))
    asked.ask(calls.ask("outcomes", (fine,), timeout_seconds=None))
    read = asked.world.store.outcomes

    def stumble(stretch: Stretch, **more: Any) -> Any:
        if stretch.sid == 1:
            raise AttributeError("a fault")
        return read(stretch, **more)

    monkeypatch.setattr(asked.world.store, "outcomes", stumble)
    asked.world.engine.finish_all()
    asked.world.tick()
    assert len(asked.door) == 0
    headers = [header for header, _ in asked.answers]
    assert sorted("ok" in header for header in headers) == [False, True]
    with pytest.raises(CloudException, match="a fault in the server"):
        calls.answer_of(next(header for header in headers if "ok" not in header))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (b"", ProtocolMismatch),
        (b"GET / HTTP/1.1\r\n\r\n" + bytes(100), ProtocolMismatch),
        (b"".join(encode({"op": "explode"})), InvalidSubmission),
        (b"".join(encode({"jids": []})), InvalidSubmission),
        (b"".join(encode({"op": "status", "jids": [["a", 2]]})), InvalidSubmission),
        (b"".join(encode({"op": "submit", "token": "x", "chunks": [[0, 1]], "count": 1})), InvalidSubmission),
        (b"".join(encode({"op": "info", "jids": [], "fields": ["secrets"]})), InvalidSubmission),
        (b"".join(encode({"op": "status", "jids": [[0, 1 << 70]]})), InvalidSubmission),
        (nested(50_000), ProtocolMismatch),
        (b"".join(encode(SUBMISSION, [b"[]", b"{}"])), InvalidSubmission),
        (b"".join(encode(SUBMISSION, [b"[" * 50_000, b"{}"])), InvalidSubmission),
        (b"".join(encode(SUBMISSION, [b'{"cache_tag": "x"}', b"[]"])), InvalidSubmission),
        (b"".join(encode(SUBMISSION, [b'{"cache_tag": "x"}', b"[" * 50_000])), InvalidSubmission),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(
    asked: Asked, message: bytes, error: type[CloudException]
) -> None:
    asked.door.ask(message, 1, None, asked.answer)
    asked.door.flush()
    with pytest.raises(error):
        calls.answer_of(asked.answers[0][0])
