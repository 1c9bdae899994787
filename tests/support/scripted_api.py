"""A JobApi for tests of the client: jobs run when the test says so, in this process, on the test's thread."""

import threading
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud import pickling
from cloud.api import Ended, OutputPiece, Part, Receipt, Waited
from cloud.errors import CloudException, JobNotFound, JobNotRunning
from cloud.model import BlobRef, Buffer, CodeFile, Column, Outcomes, Ranges, Spec, Status
from cloud.model.ranges import pack


@dataclass
class Entry:
    """One job."""

    sid: int
    index: int
    spec: Spec
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    status: Status = Status.QUEUED
    result: bytes = b""
    error: str = ""
    exception: bytes = b""
    blob: BlobRef | None = None


@dataclass
class Unsealed:
    spec: Spec
    chunks: dict[int, bytes] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class ScriptedApi:
    """Jobs finish by `run`, `fail` and `finish`, from any thread; with `at_once` when they are submitted."""

    def __init__(self, *, at_once: bool = False, large_bytes: int = 32 * 1024) -> None:
        self.at_once = at_once
        self.large_bytes = large_bytes
        self.changed = threading.Condition()
        self.jobs: dict[int, Entry] = {}
        self.functions: dict[str, bytes] = {}
        self.unsealed: dict[str, Unsealed] = {}
        self.sealed: dict[str, range] = {}
        self.blobs: dict[str, bytes] = {}
        self.code: dict[str, bytes] = {}
        self.versions: dict[str, list[CodeFile]] = {}
        self.parts: list[Part] = []
        self.dropped: list[str] = []
        self.killed: list[Ranges | None] = []
        self.asked: list[tuple[str, Ranges]] = []
        self.closed = 0
        self.on_submit: Callable[[Part], None] = lambda part: None

    # --- JobApi

    def submit(self, part: Part) -> Receipt:
        self.on_submit(part)
        self.parts.append(part)
        with self.changed:
            if part.token in self.sealed:
                return Receipt(self.sealed[part.token])
            if part.spec is not None:
                version = part.spec.environment.code_version
                if version and version not in self.versions:
                    return Receipt(missing_code=True)
                if part.function is not None:
                    self.functions[part.spec.function] = b"".join(bytes(piece) for piece in part.function)
                elif part.spec.function not in self.functions:
                    return Receipt(missing_function=True)
                self.unsealed.setdefault(part.token, Unsealed(part.spec))
            held = self.unsealed[part.token]
            for chunk in part.chunks:
                held.chunks[chunk.first] = b"".join(bytes(piece) for piece in chunk.parts)
                held.counts[chunk.first] = chunk.count
            if part.count is None:
                return Receipt()
            jids = self._seal(part.token, part.count)
        if self.at_once:
            self.run(*jids)
        return Receipt(jids)

    def _seal(self, token: str, count: int) -> range:
        held = self.unsealed.pop(token)
        assert sum(held.counts.values()) == count, "chunks must cover the submission"
        first_jid = len(self.jobs) + 1
        sid = len(self.sealed) + 1
        for first in sorted(held.chunks):
            arguments = pickling.Arguments(held.chunks[first])
            for i in range(held.counts[first]):
                args, kwargs = arguments[i]
                self.jobs[first_jid + first + i] = Entry(sid, first + i, held.spec, args, kwargs)
        self.sealed[token] = range(first_jid, first_jid + count)
        return self.sealed[token]

    def missing_code(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        missing = sorted({file.digest for file in files} - self.code.keys())
        if not missing:
            self.versions[version] = list(files)
        return missing

    def put_code(self, contents: Mapping[str, Buffer]) -> None:
        self.code.update({digest: bytes(content) for digest, content in contents.items()})

    def drop(self, token: str) -> None:
        self.dropped.append(token)
        self.unsealed.pop(token, None)

    def _named(self, jids: Ranges) -> list[int]:
        numbers = [jid for item in jids for jid in item]
        for jid in numbers:
            if jid not in self.jobs:
                raise JobNotFound(f"no job {jid}", jid=jid)
        return numbers

    def wait(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> Waited:
        self.asked.append(("wait", jids))

        def answer() -> Waited:
            numbers = self._named(jids)
            left = [jid for jid in numbers if not self.jobs[jid].status.finished]
            failed = [jid for jid in numbers if self.jobs[jid].status.failed]
            queued = sum(self.jobs[jid].status is Status.QUEUED for jid in left)
            return Waited(pack(left), min(failed, default=None), queued)

        with self.changed:
            self.changed.wait_for(
                lambda: not answer().unfinished or (stop_on_failure and answer().failed is not None), timeout_seconds
            )
            return answer()

    def outcomes(
        self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float = 0.0, max_bytes: int = 8 << 20
    ) -> list[Ended]:
        self.asked.append(("outcomes", jids))
        with self.changed:
            numbers = self._named(jids)

            def finished() -> list[int]:
                return [jid for jid in self._named(pack(numbers)) if self.jobs[jid].status.finished]

            self.changed.wait_for(finished, timeout_seconds)
            answer: list[Ended] = []
            size_bytes = 0
            for run in pack(finished()):
                sids: dict[int, list[int]] = {}
                for jid in run:
                    sids.setdefault(self.jobs[jid].sid, []).append(jid)
                for same in sids.values():
                    answer.append(self._ended(range(same[0], same[-1] + 1)))
                    size_bytes += sum(len(self.jobs[jid].result) for jid in same)
                    if size_bytes > max_bytes:
                        return answer
            return answer

    def _ended(self, jids: range) -> Ended:
        entries = [self.jobs[jid] for jid in jids]
        outcomes = Outcomes(entries[0].sid, entries[0].index, len(entries), bytes(e.status for e in entries), 1)
        outcomes.started = array("d", [time.time()] * len(entries))
        outcomes.runtime = array("d", [0.0] * len(entries))
        outcomes.result = Column.of([e.result for e in entries])
        outcomes.error = Column.of([e.error.encode() for e in entries])
        outcomes.exception = Column.of([e.exception for e in entries])
        outcomes.blobs = {e.index: e.blob for e in entries if e.blob is not None}
        return Ended(jids.start, outcomes, pickling.CACHE_TAG)

    def read(self, jid: int, blob: str) -> Buffer:
        self.asked.append(("read", (range(jid, jid + 1),)))
        return bytearray(self.blobs[blob])

    def status(self, jids: Ranges) -> bytes:
        return bytes(self.jobs[jid].status for jid in self._named(jids))

    def counts(self, jids: Ranges) -> dict[str, int]:
        words = [self.jobs[jid].status.word for jid in dict.fromkeys(self._named(jids))]
        return {status.word: words.count(status.word) for status in Status if status.word in words}

    def info(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        answer = []
        for jid in self._named(jids):
            entry = self.jobs[jid]
            packed = b"".join(bytes(piece) for piece in pickling.pack_call(entry.args, entry.kwargs))
            known: dict[str, Any] = {
                "status": entry.status.word, "stdout": "out\n", "stderr": b"\xff", "runtime": 1.5, "created": 0.0,
                "memory": {"max_usage": 7, "swap.usage": 3}, "cputime": {"user": 0.5}, "label": entry.spec.label,
                "args": {"chunk": packed, "first": 0, "index": 0},
                "func_object": self.functions[entry.spec.function],
            }  # fmt: skip
            known["kwargs"] = known["args"]
            answer.append({name: known.get(name) for name in fields})
        return answer

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        del attempt, timeout_seconds
        (named,) = self._named((range(jid, jid + 1),))
        text = stream.encode() + b"\n"
        return OutputPiece(min(start, len(text)), text[start:], self.jobs[named].status.finished, 1)

    def stack(self, jid: int) -> str:
        (named,) = self._named((range(jid, jid + 1),))
        raise JobNotRunning(f"it is {self.jobs[named].status.word}", jid=named)

    def why(self, jid: int) -> str:
        (named,) = self._named((range(jid, jid + 1),))
        return f"It is {self.jobs[named].status.word}."

    def dependents(self, jid: int) -> Ranges:
        (named,) = self._named((range(jid, jid + 1),))
        waiting = [other for other, e in self.jobs.items() if any(named in item for item in e.spec.depends_on)]
        return pack(sorted(waiting))

    def kill(self, jids: Ranges | None, *, force: bool = False) -> None:
        self.killed.append(jids)
        with self.changed:
            for jid in self.jobs if jids is None else self._named(jids):
                if not self.jobs[jid].status.finished:
                    self.jobs[jid].status = Status.KILLED
            self.changed.notify_all()

    def rerun(self, jids: Ranges, *, token: str) -> Ranges:
        made = []
        with self.changed:
            groups: dict[int, list[int]] = {}
            for jid in sorted(set(self._named(jids))):
                groups.setdefault(self.jobs[jid].sid, []).append(jid)
            for number, same in enumerate(groups.values()):
                first = len(self.jobs) + 1
                jids_again = self.sealed.setdefault(f"{token}/{number}", range(first, first + len(same)))
                for jid, old in zip(jids_again, same, strict=True):
                    entry = self.jobs[old]
                    self.jobs[jid] = Entry(len(self.sealed), jid - first, entry.spec, entry.args, entry.kwargs)
                made.append(jids_again)
        return tuple(made)

    def delete(self, jids: Ranges) -> None:
        with self.changed:
            for jid in self._named(jids):
                del self.jobs[jid]
            self.changed.notify_all()

    def describe(self) -> dict[str, Any]:
        return {"version": "0", "protocol": 1}

    def close(self) -> None:
        self.closed += 1

    # --- the script

    def run(self, *jids: int) -> None:
        """Run these jobs, here and now."""
        for jid in jids:
            entry = self.jobs[jid]
            function = pickling.load_function(self.functions[entry.spec.function])
            try:
                value = function(*entry.args, **entry.kwargs)
            except Exception as error:
                self.fail(jid, f"Traceback: {error!r}", error)
            else:
                self.finish(jid, b"".join(bytes(piece) for piece in pickling.dumps(value)))

    def finish(self, jid: int, envelope: bytes) -> None:
        """The job returned this."""
        with self.changed:
            entry = self.jobs[jid]
            if len(envelope) > self.large_bytes:
                entry.blob = BlobRef(f"results/{jid}", len(envelope))
                self.blobs[entry.blob.name] = envelope
            else:
                entry.result = envelope
            entry.status = Status.DONE
            self.changed.notify_all()

    def fail(self, jid: int, text: str, error: BaseException | None = None, status: Status = Status.ERROR) -> None:
        """The job failed."""
        with self.changed:
            entry = self.jobs[jid]
            entry.error, entry.status = text, status
            if error is not None:
                entry.exception = b"".join(bytes(piece) for piece in pickling.dumps(error))
            self.changed.notify_all()


class Unreachable(CloudException):
    """For scripts that make an api fail."""
