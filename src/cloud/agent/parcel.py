"""A parcel: the WORK message for a claim, with exactly the pieces that its worker does not have yet."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from cloud.agent.worker import Worker
from cloud.dispatch.ports import Work
from cloud.model import BlobRef, Buffer, Code, Piece, Spec
from cloud.wire import brief
from cloud.wire.message import Frame, encode
from cloud.wire.values import ranges_to_json

CACHED, INLINE, FILE = range(3)
"""As in `runner.work`."""


def pack(
    worker: Worker,
    work: Work,
    bind: dict[str, Any] | None,
    open_blob: Callable[[str], int],
    read_blob: Callable[[str], Buffer],
) -> tuple[list[Buffer], list[int]]:
    """Message and descriptors.

    Raises:
        OSError: a blob cannot be opened; nothing was sent, and what the worker remembers is as before.
    """
    terms = _terms(work.submission.spec)
    if bind is None and terms == worker.terms and (short := _brief(worker, work)) is not None:
        return [short], []
    return _whole(worker, work, terms, bind, open_blob, read_blob)


def _whole(
    worker: Worker,
    work: Work,
    terms: dict[str, Any],
    bind: dict[str, Any] | None,
    open_blob: Callable[[str], int],
    read_blob: Callable[[str], Buffer],
) -> tuple[list[Buffer], list[int]]:
    frames: list[Frame] = []
    descriptors: list[int] = []

    def add(piece: Piece) -> int:
        if isinstance(piece, BlobRef):
            descriptors.append(opened.pop(piece.name))
            return FILE
        frames.append(piece)
        return INLINE

    claim = work.claim
    if bind is not None and work.code is not None:
        bind = {**bind, "code": _code(work.code, frames, read_blob)}
    opened = _open_all([work.function, *(chunk.packed for chunk in work.chunks)], open_blob)
    there, _ = worker.functions.use(work.submission.spec.function)
    how = CACHED if there else add(work.function)
    chunks = []
    for chunk in work.chunks:
        there, _ = worker.chunks.use((claim.sid, chunk.first))
        picks = [ranges_to_json(chunk.picks)] if chunk.picks and not there else []
        chunks.append([chunk.first, chunk.count, CACHED if there else add(chunk.packed), *picks])
    header: dict[str, Any] = {
        "op": "work", "seq": worker.next_seq, "count": claim.hi - claim.lo, "sid": claim.sid, "first": claim.lo,
        "jid": work.submission.jids.start + claim.lo, "how": how, "chunks": chunks, "token": work.token,
    }  # fmt: skip
    if terms != worker.terms:
        header["terms"] = worker.terms = terms
    if bind is not None:
        header["bind"] = bind
    for fd in opened.values():  # of what the worker has already
        os.close(fd)
    return encode(header, frames), descriptors


def _brief(worker: Worker, work: Work) -> bytes | None:
    """The message in its brief form, where that says it all."""
    if len(work.chunks) != 1:
        return None
    claim, (chunk,) = work.claim, work.chunks
    packed, key = chunk.packed, (claim.sid, chunk.first)
    if isinstance(packed, BlobRef) or len(packed) > brief.MOST_BYTES or chunk.picks:
        return None
    digest = work.submission.spec.function
    if digest not in worker.functions or key in worker.chunks:
        return None
    worker.functions.use(digest)
    worker.chunks.use(key)
    jid = (work.submission.first_jid or 0) + claim.lo
    return brief.encode(
        worker.next_seq, claim.hi - claim.lo, claim.sid, claim.lo, jid, (chunk.first, chunk.count), work.token, packed
    )


def _open_all(pieces: Iterable[Piece], open_blob: Callable[[str], int]) -> dict[str, int]:
    """All blobs among the pieces can be opened, or none stays open and none is remembered as sent."""
    opened: dict[str, int] = {}
    try:
        for piece in pieces:
            if isinstance(piece, BlobRef):
                opened[piece.name] = open_blob(piece.name)
    except BaseException:
        for fd in opened.values():
            os.close(fd)
        raise
    return opened


def _code(code: Code, frames: list[Frame], read_blob: Callable[[str], Buffer]) -> dict[str, Any]:
    """What a worker is told of its code version; the contents are the first frame, one after another."""
    frames.append([read_blob(p.name) if isinstance(p, BlobRef) else p for _, p in code.files])
    return {"version": code.version, "files": [[f.path, f.size_bytes, f.executable] for f, _ in code.files]}


def _terms(spec: Spec) -> dict[str, Any]:
    """What submissions are likely to have in common; the worker remembers the last that it was told."""
    told: dict[str, Any] = {
        "function": spec.function, "level": spec.fast_serialization, "call": spec.kind == "call",
        "profile": spec.profile, "variables": spec.os_env_vars,
    }  # fmt: skip
    if "distributions" in spec.client:
        told["distributions"] = spec.client["distributions"]
    if spec.max_transmit_data:
        told["max_bytes"] = spec.max_transmit_data
    if spec.datalog:
        told["datalog"] = spec.datalog
    return told
