"""Blobs that clients read and write themselves: what their requests are answered with (DESIGN D14)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloud.api import DIRECT_MIN_BYTES
from cloud.dispatch.ports import Blobs
from cloud.errors import InvalidSubmission, ServerUnavailable
from cloud.model import BlobRef, Buffer
from cloud.wire import calls
from cloud.wire.message import Header

LINK_SECONDS = 600.0
"""How long a link is good for."""
MOST_LINKS = 64
"""In one answer."""
FROM_BLOBS = frozenset({"args", "kwargs", "func_object"})
"""Fields of `info` that may have to be read from blobs."""

Reply = Callable[[list[Buffer]], None]
Aside = Callable[[Callable[[], list[Buffer]], Reply], None]
"""Carries out what may take long, and replies with its answer; who must not wait does it in another thread."""


def put_name(account: int, token: str, first: int) -> str:
    """Where a chunk is put whose client writes it itself: nobody else's place, whatever the client says."""
    return f"early/{account}/{hashlib.sha256(token.encode()).hexdigest()[:32]}-{first}"


def read_answer(blobs: Blobs, ref: BlobRef, header: Header) -> list[Buffer]:
    """The bytes; or, where the asker takes that as well and it is worth it, a link to them."""
    if header.get("direct") and ref.size_bytes >= DIRECT_MIN_BYTES:
        url = blobs.link(ref.name, "GET", LINK_SECONDS)
        if url is not None:
            return calls.ok({"link": url, "size_bytes": ref.size_bytes})
    return calls.ok(None, [bytes_of(blobs, ref)])


def put_names(account: int, header: Header) -> list[str]:
    """Where the chunks that are announced are to be put.

    Raises:
        InvalidSubmission: they are too many.
    """
    token, firsts = calls.read_links(header)
    if len(firsts) > MOST_LINKS:
        raise InvalidSubmission(f"{len(firsts)} links at once are more than {MOST_LINKS}")
    return [put_name(account, token, first) for first in firsts]


def links_answer(blobs: Blobs, names: list[str]) -> list[Buffer]:
    """A link to write under for each name, in order; None where there is none."""
    return calls.ok([blobs.link(name, "PUT", LINK_SECONDS) for name in names])


def infos_answer(blobs: Blobs, infos: Sequence[Mapping[str, Any]]) -> list[Buffer]:
    """The answer to `info`, once all its bytes are read."""
    return calls.infos(filled(blobs, infos))


def filled(blobs: Blobs, infos: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Infos of jobs with bytes in the place of blobs, each of which is read once."""
    known: dict[str, Buffer] = {}

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        if not isinstance(value, BlobRef):
            return value
        if value.name not in known:
            known[value.name] = bytes_of(blobs, value)
        return known[value.name]

    return [{name: fill(value) if name in FROM_BLOBS else value for name, value in info.items()} for info in infos]


def bytes_of(blobs: Blobs, ref: BlobRef) -> Buffer:
    """What is in a blob.

    Raises:
        ServerUnavailable: it is not where it should be.
    """
    try:
        return blobs.read(ref.name)
    except FileNotFoundError as error:
        raise ServerUnavailable(f"what is stored is not all in the blob store any more: {error}") from error
