"""Large frames are in the blob store before the core sees a request; nobody gets at what another one put."""

import asyncio
import threading
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.direct import put_name
from cloud.errors import LimitExceeded, ServerUnavailable
from cloud.model import INLINE_MAX_BYTES, BlobRef, Buffer
from cloud.server.ahead import Ahead
from cloud.server.aside import Aside
from cloud.stores.blobs import MemoryBlobs
from cloud.wire import calls
from cloud.wire.message import decode, encode
from tests.support.served import part_of

LARGE = b"x" * (INLINE_MAX_BYTES + 1)


def asked(blobs: MemoryBlobs, parts: list[Buffer], account: int = 1) -> Any:
    """What is stored of a request; None when the answer is that a chunk is missing."""

    async def run() -> calls.Stored | list[Buffer]:
        aside = Aside(asyncio.get_running_loop())
        return await Ahead(blobs, aside, local=False, max_bytes=1000).store(b"".join(parts), account)

    found = asyncio.run(run())
    if isinstance(found, list):
        assert calls.read_receipt(decode(b"".join(found))[0]).missing_chunks
        return None
    return found


def chunks_of(*contents: bytes, token: str = "t") -> Part:
    """A part without a first one's things: its frames are its chunks."""
    return Part(token, chunks=[NewChunk(i, 1, [content]) for i, content in enumerate(contents)])


def test_what_is_small_is_left_to_the_core() -> None:
    blobs = MemoryBlobs()
    assert asked(blobs, calls.submit(chunks_of(b"small"))) == {}
    assert asked(blobs, calls.submit(part_of(len, [b"small"]))) == {}
    assert list(blobs.names()) == []


def test_large_frames_are_stored_and_the_core_is_told_where() -> None:
    blobs = MemoryBlobs()
    message = calls.submit(chunks_of(b"small", LARGE))
    stored = asked(blobs, message)
    assert list(stored) == [1]
    assert bytes(blobs.read(stored[1].name)) == LARGE
    part = calls.read_submit(*decode(b"".join(message)), stored)
    assert [chunk.stored for chunk in part.chunks] == [None, stored[1]]


def test_an_environment_is_no_blob_and_a_function_is() -> None:
    blobs = MemoryBlobs()
    part = part_of(len, [LARGE])
    message = calls.submit(Part(part.token, part.spec, [LARGE], part.chunks, 1))
    stored = asked(blobs, message)
    read = calls.read_submit(*decode(b"".join(message)), stored)
    assert read.function_stored == stored[2]
    assert read.chunks[0].stored == stored[3]


def test_what_was_put_is_found_by_who_put_it_only() -> None:
    blobs = MemoryBlobs()
    ref = blobs.put(put_name(1, "t", 0), [b"put by the client"])
    message = calls.submit(chunks_of(b"", b"small"), {0})
    assert asked(blobs, message) == {0: ref}
    assert asked(blobs, message, account=2) is None
    assert asked(blobs, calls.submit(chunks_of(b"", token="u"), {0})) is None
    assert asked(blobs, calls.submit(chunks_of(b"small", b""), {1})) is None


def test_nothing_is_stored_of_what_is_more_than_an_account_may_have() -> None:
    blobs, asked_for = MemoryBlobs(), []

    def refuse(account: int, size_bytes: int) -> None:
        asked_for.append((account, size_bytes))
        raise LimitExceeded("too much")

    async def run() -> Any:
        ahead = Ahead(blobs, Aside(asyncio.get_running_loop()), local=False, max_bytes=1000, refuse=refuse)
        return await ahead.store(b"".join(calls.submit(chunks_of(b"small", LARGE))), 3)

    with pytest.raises(LimitExceeded):
        calls.answer_of(decode(b"".join(asyncio.run(run())))[0])
    assert asked_for == [(3, len(LARGE))]
    assert list(blobs.names()) == []


def test_where_too_many_wait_for_the_blob_store_others_are_told_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.server.aside.MOST_OPEN", 2)
    message, go_on = b"".join(calls.submit(chunks_of(LARGE))), threading.Event()

    async def run() -> Any:
        aside = Aside(asyncio.get_running_loop())
        waiting = [aside.run(go_on.wait) for _ in range(2)]
        ahead = Ahead(MemoryBlobs(), aside, local=False, max_bytes=1000)
        refused = await ahead.store(message, 1)
        small = await ahead.store(b"".join(calls.submit(chunks_of(b"small"))), 1)
        go_on.set()
        await asyncio.gather(*waiting)
        return refused, small, await ahead.store(message, 1)

    refused, small, later = asyncio.run(run())
    with pytest.raises(ServerUnavailable) as told:
        calls.answer_of(decode(b"".join(refused))[0])
    assert told.value.retry
    assert (small, list(later)) == ({}, [0])


def test_what_was_put_is_as_large_as_it_is_and_not_larger_than_may_be() -> None:
    blobs = MemoryBlobs()
    blobs.put(put_name(1, "t", 0), [b"x" * 1001])
    assert asked(blobs, calls.submit(chunks_of(b""), {0})) is None


def test_what_was_put_long_ago_may_be_collected_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = MemoryBlobs()
    blobs.put(put_name(1, "t", 0), [b"x"])
    monkeypatch.setattr("cloud.server.ahead._FRESH_SECONDS", -1.0)
    assert asked(blobs, calls.submit(chunks_of(b""), {0})) is None


@pytest.mark.parametrize("token", ["../../x", "", "a" * 10_000, "ä/\0"])
def test_no_token_leads_out_of_the_place_of_its_account(token: str) -> None:
    name = put_name(7, token, 3)
    assert name.startswith("early/7/")
    assert MemoryBlobs().put(name, [b"x"]) == BlobRef(name, 1)


@pytest.mark.parametrize(
    "header",
    [{}, {"op": 1}, {"op": "submit"}, {"op": "submit", "put": [[]], "chunks": []}, {"op": "submit", "put": 3},
     {"op": "submit", "put": [-1], "token": "t", "chunks": [[0, 1]]}, {"op": "submit", "put": [0], "chunks": [7]}],
)  # fmt: skip
def test_what_is_malformed_is_left_to_the_core_to_refuse(header: dict[str, Any]) -> None:
    assert asked(MemoryBlobs(), encode(header)) == {}
