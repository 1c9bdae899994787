"""Bodies of requests: small in memory, large in a mapped file, wrong ones refused early."""

import asyncio
import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import InvalidSubmission, ProtocolMismatch, StoreFull
from cloud.model import Buffer
from cloud.server.body import IN_MEMORY_MAX_BYTES, Body, Gone, TooLarge
from cloud.wire.message import decode, encode


def reading(
    pieces: Sequence[bytes | None], *, length: int | None = None, folder: str | None = None, max_bytes: int = 1 << 30
) -> Buffer:
    """What `Body.read` makes of a body that comes in these pieces; None among them: the client hangs up."""
    events: list[dict[str, Any]] = [
        {"type": "http.disconnect"} if piece is None else {"type": "http.request", "body": piece, "more_body": more}
        for piece, more in zip(pieces, [True] * (len(pieces) - 1) + [False], strict=True)
    ]
    taken = iter(events)

    async def receive() -> dict[str, Any]:
        return next(taken)

    return asyncio.run(Body(receive).read(length, folder=folder, max_bytes=max_bytes))


def cut(message: bytes, size: int) -> list[bytes]:
    return [message[i : i + size] for i in range(0, len(message), size)]


def test_a_small_body_comes_back_as_it_was() -> None:
    message = b"".join(encode({"op": "describe"}))
    assert reading([message]) == message


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_may_come_in_pieces_of_any_size(size: int) -> None:
    message = b"".join(encode({"op": "x"}, [b"a" * 5000]))
    assert bytes(reading(cut(message, size))) == message


def test_a_large_body_is_mapped_from_an_unnamed_file_and_writable(tmp_path: Path) -> None:
    frame = os.urandom(3 * IN_MEMORY_MAX_BYTES)
    message = b"".join(encode({"op": "x"}, [frame]))
    got = reading(cut(message, 200_000), folder=str(tmp_path))
    _, frames = decode(got)
    assert bytes(frames[0]) == frame
    frames[0][0] = 1
    assert not isinstance(got, bytearray)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_said_so_and_nothing_is_left(tmp_path: Path) -> None:
    message = b"".join(encode({"op": "x"}, [bytes(4 * IN_MEMORY_MAX_BYTES)]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * IN_MEMORY_MAX_BYTES, hard))
    try:
        with pytest.raises(StoreFull, match=str(tmp_path)):
            reading(cut(message, 200_000), folder=str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_something_else_than_a_message_is_refused_at_its_first_bytes() -> None:
    with pytest.raises(ProtocolMismatch):
        reading([b"not a message at all, ", None])


def test_more_bytes_than_announced_are_refused() -> None:
    message = b"".join(encode({"op": "x"}, [b"a" * 5000]))
    with pytest.raises(InvalidSubmission):
        reading([message[:100], message[100:] + b"x"])


def test_fewer_bytes_than_announced_are_refused() -> None:
    message = b"".join(encode({"op": "x"}, [b"a" * 5000]))
    with pytest.raises(ProtocolMismatch):
        reading([message[:100], message[100:-1]])


def test_a_body_above_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        reading([b"x"], length=1001, max_bytes=1000)
    message = b"".join(encode({"op": "x"}, [b"a" * 5000]))
    with pytest.raises(TooLarge):
        reading([message[:100], None], max_bytes=1000)


def test_a_client_that_hangs_up_is_noticed() -> None:
    with pytest.raises(Gone):
        reading([None])
    message = b"".join(encode({"op": "x"}, [b"a" * 5000]))
    with pytest.raises(Gone):
        reading([message[:100], None])


def test_discarding_reads_to_the_end_of_the_body_and_no_further() -> None:
    pieces = iter([b"abc", b"def"])

    async def receive() -> dict[str, Any]:
        piece = next(pieces)
        return {"type": "http.request", "body": piece, "more_body": piece == b"abc"}

    async def twice() -> None:
        body = Body(receive)
        await body.discard(1 << 20)
        await body.discard(1 << 20)

    asyncio.run(twice())
    assert list(pieces) == []
