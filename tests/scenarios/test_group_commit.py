"""Requests that share a transaction do not harm each other."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.door import Door
from cloud.model import BlobRef, Buffer
from cloud.pickling import pack_map
from cloud.wire import calls
from cloud.wire.message import decode
from tests.support.world import World, spec

LARGE = bytes(100_000)
DIGEST = hashlib.sha256(LARGE).hexdigest()


class Asked:
    def __init__(self) -> None:
        self.world = World()
        self.door = Door(self.world.dispatcher)
        self.answers: list[dict[str, Any]] = []

    def ask(self, parts: list[Buffer]) -> None:
        self.door.ask(b"".join(parts), 1, None, lambda answer: self.answers.append(decode(b"".join(answer))[0]))

    def submit(self, token: str) -> None:
        chunk = NewChunk(0, 1, pack_map([(1,)]))
        self.ask(calls.submit(Part(token, spec(function=DIGEST), [LARGE], [chunk], 1)))


@pytest.fixture
def asked() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.world.stop()


def test_a_function_that_is_deleted_and_submitted_again_in_one_transaction_keeps_its_bytes(asked: Asked) -> None:
    asked.submit("first")
    asked.door.flush()
    asked.world.run_all()
    (jids,) = [calls.read_receipt(h).jids for h in asked.answers]
    assert jids is not None
    asked.ask(calls.ask("delete", (jids,)))
    asked.submit("second")
    asked.door.flush()
    piece = asked.world.store.function(DIGEST)
    assert isinstance(piece, BlobRef)
    assert bytes(asked.world.blobs.read(piece.name)) == LARGE


@pytest.mark.parametrize("op", ["wait", "outcomes"])
def test_a_timeout_that_is_no_number_is_over_at_once(asked: Asked, op: str) -> None:
    jids = asked.world.map(1)
    nan = float("nan")
    asked.ask(calls.ask(op, (jids,), timeout_seconds=nan, stop_on_failure=False, linger_seconds=nan))
    assert len(asked.answers) == 1
    assert asked.door.next_deadline() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": "high"}, {"cores": "2"}, {"max_runtime_seconds": "1"}, {"max_runtime_seconds": float("nan")},
        {"os_env_vars": {"A": 5}}, {"client": 7}, {"kind": "tree"}, {"depends_on_errors": "maybe"},
        {"restartable": "no"}, {"priority": 1 << 70}, {"shown_arguments": [5]}, {"label": 5},
        {"max_transmit_data": "x"}, {"fast_serialization": None}, {"function": 5}, {"cores": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_spec_with_a_value_of_another_kind_is_refused_before_it_can_harm_other_jobs(
    asked: Asked, wrong: dict[str, Any]
) -> None:
    asked.world.engine.slots = 0
    chunk = NewChunk(0, 1, pack_map([(1,)]))
    asked.ask(calls.submit(Part("t", spec(**wrong), None, [chunk], 1)))
    asked.door.flush()
    said = asked.answers[0]["error"]["msg"]
    assert "malformed" in said
    assert next(iter(wrong)) in said


@pytest.mark.parametrize("chunk", [[0, 1.0], [0.0, 1], [0, 1 << 60], [0, True]], ids=str)
def test_a_chunk_whose_extent_is_no_whole_number_is_refused(asked: Asked, chunk: list[Any]) -> None:
    part = Part("t", spec(function=DIGEST), [LARGE], [NewChunk(chunk[0], chunk[1], pack_map([(1,)]))], chunk[1])
    asked.ask(calls.submit(part))
    asked.door.flush()
    assert "error" in asked.answers[0]
    assert asked.world.map(1) == range(1, 2)
