"""JobApi calls and their answers as messages: what `client.http`, `client.pipe` and the server's door share.

A request's header is {"op": name, ...}; an answer's is {"ok": ...} or {"error": {...}} (`errors.to_wire`).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloud import errors
from cloud.api import Ended, NewChunk, OutputPiece, Part, Receipt, Waited
from cloud.model import BlobRef, Buffer, CodeFile, Outcomes, Ranges
from cloud.wire.environments import environment_from_bytes, environment_to_bytes
from cloud.wire.message import Frame, Header, encode
from cloud.wire.strangers import MOST_CHARACTERS, token_in, whole_number
from cloud.wire.terms import spec_from_terms, terms_to_bytes
from cloud.wire.values import (
    outcomes_from_frames,
    outcomes_to_frames,
    ranges_from_json,
    ranges_to_json,
)

Parts = list[Buffer]
Stored = Mapping[int, BlobRef]
"""Which frames of a request are in the blob store already, and where."""
NOTHING_STORED: Stored = {}
SPEC_FRAMES = 2
"""Of a submission with a spec: environment and terms."""


def submit(part: Part, put: Collection[int] = ()) -> Parts:
    """Request: frames are the environment and the terms (with the spec), the function (if any), then one per chunk.

    Args:
        put: `first` of chunks that were put under links; their frames are empty.
    """
    header: Header = {"op": "submit", "token": part.token, "chunks": [[c.first, c.count] for c in part.chunks]}
    if put:
        header["put"] = sorted(put)
    frames: list[Frame] = []
    if part.spec is not None:
        header["spec"] = part.spec.shown_arguments
        frames += [environment_to_bytes(part.spec.environment), terms_to_bytes(part.spec)]
    if part.function is not None:
        header["function"] = True
        frames.append(part.function)
    if part.count is not None:
        header["count"] = part.count
    frames += [() if c.first in put else c.parts for c in part.chunks]
    return encode(header, frames)


def read_submit(header: Header, frames: list[memoryview], stored: Stored = NOTHING_STORED) -> Part:
    """The reverse of `submit`.

    Raises:
        InvalidSubmission: a chunk is said to have been put, and is not among `stored`.
    """
    spec = None
    put = set(header.get("put", ()))
    places: list[BlobRef | None] = [stored.get(i) for i in range(len(frames))] if stored else [None] * len(frames)
    chunk_places = places[len(frames) - len(header["chunks"]) :]
    if put and any(
        place is None and first in put for (first, _), place in zip(header["chunks"], chunk_places, strict=True)
    ):
        raise errors.InvalidSubmission("arguments were to be put into the blob store, and are not there")
    if "spec" in header:
        if len(frames[0]) > MOST_CHARACTERS:
            raise errors.InvalidSubmission(
                f"the environment takes {len(frames[0]):,} bytes: at most {MOST_CHARACTERS:,} may be"
            )
        environment = environment_from_bytes(frames.pop(0))
        spec = spec_from_terms(frames.pop(0), environment, header["spec"])
    function = [frames.pop(0)] if header.get("function") else None
    function_place = places[SPEC_FRAMES if "spec" in header else 0] if function is not None else None
    return Part(
        token=token_in(header["token"]),
        spec=spec,
        function=function,
        chunks=[
            NewChunk(whole_number(first), whole_number(count), [frame], place)
            for (first, count), frame, place in zip(header["chunks"], frames, chunk_places, strict=True)
        ],
        count=whole_number(header["count"]) if header.get("count") is not None else None,
        function_stored=function_place,
    )


def receipt(answer: Receipt) -> Parts:
    """Answer to `submit`."""
    jids = None if answer.jids is None else [answer.jids.start, answer.jids.stop]
    ok: Header = {"jids": jids, "missing_function": answer.missing_function}
    if answer.missing_code:
        ok["missing_code"] = True
    if answer.missing_chunks:
        ok["missing_chunks"] = True
    frames: list[Frame] = []
    if answer.ended:
        ok["ended"] = _abouts(answer.ended, frames)
    return encode({"ok": ok}, frames)


def read_receipt(header: Header, frames: list[memoryview] | None = None) -> Receipt:
    """The reverse of `receipt`; without the frames, without `ended`."""
    ok = answer_of(header)
    ended = _read_abouts(ok["ended"], frames) if frames and "ended" in ok else ()
    jids = range(*ok["jids"]) if ok["jids"] else None
    return Receipt(jids, ok["missing_function"], ok.get("missing_code", False), ended, ok.get("missing_chunks", False))


def links(token: str, chunks: Sequence[NewChunk]) -> Parts:
    """Request: links under which to put large chunks of a submission, before the part that they belong to is sent."""
    return encode({"op": "links", "token": token, "chunks": [c.first for c in chunks]})


def read_links(header: Header) -> tuple[str, list[int]]:
    """The reverse of `links`: the token, and the first job of each chunk."""
    return str(header["token"]), [whole_number(first) for first in header["chunks"]]


def missing_code(version: str, files: Sequence[CodeFile]) -> Parts:
    """Request."""
    rows = [[f.path, f.digest, f.size_bytes, int(f.executable)] for f in files]
    return encode({"op": "missing_code", "version": version, "files": rows})


def read_missing_code(header: Header) -> tuple[str, list[CodeFile]]:
    """The reverse of `missing_code`."""
    files = [CodeFile(str(path), str(digest), int(size), bool(x)) for path, digest, size, x in header["files"]]
    return str(header["version"]), files


def put_code(contents: Mapping[str, Buffer]) -> Parts:
    """Request: a frame for each content."""
    return encode({"op": "put_code", "digests": list(contents)}, list(contents.values()))


def read_put_code(header: Header, frames: list[memoryview]) -> dict[str, Buffer]:
    """The reverse of `put_code`."""
    return dict(zip([str(digest) for digest in header["digests"]], frames, strict=True))


def ask(op: str, jids: Ranges | None, **arguments: Any) -> Parts:
    """Request of any call that names jobs and plain values: wait, outcomes, status, info, kill, delete, read."""
    return encode({"op": op, "jids": None if jids is None else ranges_to_json(jids), **arguments})


def read_jids(header: Header) -> Ranges:
    """The jobs a request names."""
    return ranges_from_json(header["jids"])


def waited(answer: Waited) -> Parts:
    """Answer to `wait`."""
    return encode(
        {"ok": {"unfinished": ranges_to_json(answer.unfinished), "failed": answer.failed, "queued": answer.queued}}
    )


def read_waited(header: Header) -> Waited:
    """The reverse of `waited`."""
    ok = answer_of(header)
    return Waited(ranges_from_json(ok["unfinished"]), ok["failed"], ok["queued"])


def ended(answer: Sequence[Ended]) -> Parts:
    """Answer to `outcomes`."""
    frames: list[Frame] = []
    abouts = _abouts(answer, frames)
    return encode({"ok": abouts}, frames)


def read_ended(header: Header, frames: list[memoryview]) -> list[Ended]:
    """The reverse of `ended`."""
    return _read_abouts(answer_of(header), frames)


def _abouts(answer: Sequence[Ended], frames: list[Frame]) -> list[dict[str, Any]]:
    """A description of each; their bytes are added to the frames."""
    abouts: list[dict[str, Any]] = []
    for item in answer:
        about, more = outcomes_to_frames(item.outcomes)
        about["jid"] = item.jid
        about["tag"] = item.cache_tag
        abouts.append(about)
        frames += more
    return abouts


def _read_abouts(abouts: Sequence[dict[str, Any]], frames: list[memoryview]) -> list[Ended]:
    answer = []
    for about in abouts:
        outcomes: Outcomes = outcomes_from_frames(about, frames)
        answer.append(Ended(about["jid"], outcomes, about["tag"]))
    return answer


def output(jid: int, stream: str, start: int, attempt: int, timeout_seconds: float) -> Parts:
    """Request."""
    return ask(
        "output", (range(jid, jid + 1),), stream=stream, start=start, attempt=attempt, timeout_seconds=timeout_seconds
    )


def read_output(header: Header, timeout_seconds: float) -> dict[str, Any]:
    """The reverse of `output`, as arguments; with a timeout of the reader's."""
    ((jid,),) = read_jids(header)
    return {
        "jid": jid, "stream": str(header["stream"]), "start": int(header["start"]),
        "attempt": int(header.get("attempt", 0)), "timeout_seconds": timeout_seconds,
    }  # fmt: skip


def output_piece(answer: OutputPiece) -> Parts:
    """Answer to `output`."""
    return encode({"ok": {"start": answer.start, "ended": answer.ended, "attempt": answer.attempt}}, [answer.data])


def read_output_piece(header: Header, frames: list[memoryview]) -> OutputPiece:
    """The reverse of `output_piece`."""
    ok = answer_of(header)
    return OutputPiece(ok["start"], bytes(frames[0]), ok["ended"], ok["attempt"])


def infos(answer: Sequence[dict[str, Any]]) -> Parts:
    """Answer to `info`: Buffers among the values become frames, {"$frame": i} in their place."""
    frames: list[Frame] = []

    def plain(value: Any) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            frames.append(value)
            return {"$frame": len(frames) - 1}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value

    return encode({"ok": [plain(item) for item in answer]}, frames)


def read_infos(header: Header, frames: list[memoryview]) -> list[dict[str, Any]]:
    """The reverse of `infos`."""

    def rich(value: Any) -> Any:
        if isinstance(value, dict):
            if "$frame" in value:
                return frames[value["$frame"]]
            return {key: rich(item) for key, item in value.items()}
        return value

    return [rich(item) for item in answer_of(header)]


def ok(value: Any = None, frames: Sequence[Frame] = ()) -> Parts:
    """A plain answer: status (its bytes are the one frame), read (likewise), kill, delete, describe."""
    return encode({"ok": value}, frames)


def failed(error: errors.CloudException) -> Parts:
    """Any call's answer when it raised."""
    return encode({"error": errors.to_wire(error)})


def answer_of(header: Header) -> Any:
    """The value of an answer.

    Raises:
        CloudException: of the class the other side raised.
    """
    if "error" in header:
        raise errors.from_wire(header["error"])
    return header["ok"]
