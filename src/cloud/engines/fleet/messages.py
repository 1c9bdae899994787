"""What a server and an agent elsewhere say to each other, as `wire` messages.

server -> agent    {"op": "start" | "kill" | "follow", ...}, numbered; what the agent was told before is left out
agent -> server    groups of events, numbered, kept until the server has stored them; and the agent's state
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cloud.dispatch.ports import Claim, Event, Finished, Lost, Returned, Seat, Work
from cloud.model import BlobRef, Buffer, Chunk, Code, CodeFile, Piece, Submission
from cloud.wire.environments import environment_from_bytes, environment_to_bytes
from cloud.wire.message import Frame, Header, decode, encode
from cloud.wire.values import (
    outcomes_from_frames,
    outcomes_to_frames,
    ranges_from_json,
    ranges_to_json,
    spec_from_json,
    spec_to_json,
)
from cloud.wire.worker import Recent

K = TypeVar("K")
V = TypeVar("V")

FLEET_PROTOCOL = 2
"""Of these messages and of what is called on an agent; a server uses no agent that has another."""
SUBMISSIONS, FUNCTIONS, CHUNKS, CODES = 256, 64, 64, 8
"""How many of each an agent remembers; the server remembers the same ones."""


@dataclass(slots=True)
class Sent:
    """Work as the agent gets it, and the blocked worker whose slot it is for, if it is for one."""

    work: Work
    lent_by: int | None


class Packer:
    """The server's side of one agent: packs claims, and knows what the agent has."""

    def __init__(self) -> None:
        self._submissions, self._functions = Recent(SUBMISSIONS), Recent(FUNCTIONS)
        self._chunks, self._codes = Recent(CHUNKS), Recent(CODES)

    def start(self, works: Sequence[tuple[Work, int | None]]) -> bytes:
        """Claims, each with the blocked worker (as the agent numbers it) whose slot it is for."""
        frames: list[Frame] = []
        return _joined(encode({"op": "start", "works": [self._work(w, lent, frames) for w, lent in works]}, frames))

    def _work(self, work: Work, lent_by: int | None, frames: list[Frame]) -> Header:
        claim, submission = work.claim, work.submission
        about: Header = {
            "cid": claim.cid, "sid": claim.sid, "lo": claim.lo, "hi": claim.hi, "attempt": claim.attempt,
            "dispatcher": claim.dispatcher, "agent": claim.agent, "token": work.token, "lent_by": lent_by,
        }  # fmt: skip
        there, _ = self._submissions.use(submission.sid)
        if not there:
            about["submission"] = _submission_to_json(submission, frames)
        there, _ = self._functions.use(submission.spec.function)
        if not there:
            about["function"] = _piece_to_json(work.function, frames)
        about["chunks"] = [self._chunk(submission.sid, chunk, frames) for chunk in work.chunks]
        if work.code is not None:
            there, _ = self._codes.use(work.code.version)
            about["code"] = [work.code.version, None if there else _code_to_json(work.code, frames)]
        return about

    def _chunk(self, sid: int, chunk: Chunk, frames: list[Frame]) -> list[Any]:
        there, _ = self._chunks.use((sid, chunk.first))
        piece = None if there else _piece_to_json(chunk.packed, frames)
        return [chunk.first, chunk.count, ranges_to_json(chunk.picks), piece]


class Opener:
    """The agent's side: the reverse of `Packer`."""

    def __init__(self) -> None:
        self._submissions = _Kept[int, Submission](SUBMISSIONS)
        self._functions = _Kept[str, Piece](FUNCTIONS)
        self._chunks = _Kept[tuple[int, int], Piece](CHUNKS)
        self._codes = _Kept[str, Code](CODES)

    def start(self, header: Header, frames: list[memoryview]) -> list[Sent]:
        """The claims, in order. Takes its frames off the front."""
        return [Sent(self._work(about, frames), about["lent_by"]) for about in header["works"]]

    def _work(self, about: Header, frames: list[memoryview]) -> Work:
        sid = about["sid"]
        claim = Claim(
            about["cid"], sid, about["lo"], about["hi"], about["attempt"], about["dispatcher"], about["agent"]
        )
        new = _submission_from_json(about["submission"], frames) if "submission" in about else None
        submission = self._submissions.use(sid, new)
        piece = _piece_from_json(about["function"], frames) if "function" in about else None
        function = self._functions.use(submission.spec.function, piece)
        chunks = []
        for first, count, picks, told in about["chunks"]:
            packed = self._chunks.use((sid, first), None if told is None else _piece_from_json(told, frames))
            chunks.append(Chunk(first, count, packed, ranges_from_json(picks)))
        code = None
        if "code" in about:
            version, told = about["code"]
            code = self._codes.use(version, None if told is None else _code_from_json(version, told, frames))
        return Work(
            claim, Seat(0, claim.hi - claim.lo, claim.agent), submission, function, chunks, about["token"], code
        )


class _Kept(Generic[K, V]):
    """Values of the last few keys that both sides used."""

    def __init__(self, size: int) -> None:
        self._recent = Recent(size)
        self._values: dict[Any, V] = {}

    def use(self, key: K, new: V | None) -> V:
        _, gone = self._recent.use(key)
        if new is not None:
            self._values[key] = new
        for old in gone:
            self._values.pop(old, None)
        return self._values[key]


def events_to_bytes(events: Sequence[Event]) -> bytes:
    """A group of events."""
    frames: list[Frame] = []
    rows: list[list[Any]] = []
    for event in events:
        if isinstance(event, Finished):
            about, more = outcomes_to_frames(event.outcomes)
            rows.append(["finished", event.cid, about])
            frames += more
        elif isinstance(event, Returned):
            rows.append(["returned", event.cid, event.lo, event.hi])
        else:
            rows.append(["lost", event.cid, event.lo, event.hi, event.reason])
    return _joined(encode({"events": rows}, frames))


def events_from_bytes(group: Buffer) -> list[Event]:
    """The reverse of `events_to_bytes`."""
    header, frames = decode(group)
    events: list[Event] = []
    for kind, cid, *rest in header["events"]:
        if kind == "finished":
            events.append(Finished(cid, outcomes_from_frames(rest[0], frames)))
        else:
            events.append(Returned(cid, *rest) if kind == "returned" else Lost(cid, *rest))
    return events


def _submission_to_json(submission: Submission, frames: list[Frame]) -> Header:
    frames.append(environment_to_bytes(submission.spec.environment))
    return {
        "account": submission.account, "token": submission.token, "created_at": submission.created_at.isoformat(),
        "count": submission.count, "first_jid": submission.first_jid, "sid": submission.sid,
        "spec": spec_to_json(submission.spec),
    }  # fmt: skip


def _submission_from_json(about: Header, frames: list[memoryview]) -> Submission:
    spec = spec_from_json(about["spec"], environment_from_bytes(frames.pop(0)))
    return Submission(
        about["sid"], about["account"], about["token"], spec, datetime.fromisoformat(about["created_at"]),
        about["count"], about["first_jid"],
    )  # fmt: skip


def _code_to_json(code: Code, frames: list[Frame]) -> list[list[Any]]:
    return [
        [f.path, f.digest, f.size_bytes, f.executable, _piece_to_json(piece, frames)] for f, piece in code.files
    ]  # fmt: skip


def _code_from_json(version: str, rows: list[list[Any]], frames: list[memoryview]) -> Code:
    files = []
    for path, digest, size, executable, piece in rows:
        files.append((CodeFile(path, digest, size, executable), _piece_from_json(piece, frames)))
    return Code(version, tuple(files))


def _piece_to_json(piece: Piece, frames: list[Frame]) -> list[Any]:
    """[] for bytes, which become the next frame; else what names the blob."""
    if isinstance(piece, BlobRef):
        return [piece.name, piece.size_bytes]
    frames.append(piece)
    return []


def _piece_from_json(about: list[Any], frames: list[memoryview]) -> Piece:
    return BlobRef(*about) if about else bytes(frames.pop(0))


def _joined(parts: Sequence[Buffer]) -> bytes:
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
