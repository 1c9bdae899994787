"""Harvest: records in a worker's ring become `Finished` and `Returned` events, in columns."""

import json
import math
import os
from array import array
from dataclasses import dataclass, field

from cloud.agent.batch import Batch, Kill
from cloud.agent.estimates import Estimates
from cloud.agent.tail import Written
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Blobs, Event, Finished, Returned
from cloud.errors import CloudException
from cloud.model import BlobRef, Column, Outcomes, Status
from cloud.wire.ring import ERRORS_MARKED, HEAD, LARGE, OUTPUT_MARKED, RECORDS, RICH, SKIPPED, Records
from cloud.wire.strangers import dict_in
from cloud.wire.worker import BODY

_MARKED = OUTPUT_MARKED | ERRORS_MARKED
NOTHING = Written()


class Harvest:
    """Takes records; a record whose output has not all arrived waits, and those behind it."""

    def __init__(self, blobs: Blobs, estimates: Estimates) -> None:
        self._blobs = blobs
        self._estimates = estimates

    def take(self, worker: Worker, *, final: bool = False) -> list[Event]:
        """What ended. `final`: the process is dead, so what has not arrived will not."""
        events: list[Event] = []
        head = worker.ring.words[HEAD]  # read once: who runs after a busy worker gets a handful of records at a time
        while worker.tail < head:
            lo = worker.tail
            hi = min(head, (lo | (RECORDS - 1)) + 1)
            records = worker.ring.records(lo, hi)
            if any(records.flags):
                hi = self._arrived(worker, records, lo, hi, final)
            if hi == lo:
                break
            self._events(worker, records, lo, hi, events)
            worker.position = records.ends[hi - lo - 1]
            worker.tail = hi
            if worker.ring.release(hi, worker.position):
                worker.tell("space")
        return events

    def _arrived(self, worker: Worker, records: Records, lo: int, hi: int, final: bool) -> int:
        """The first seq of lo..hi-1 whose output has not all been read, else hi."""
        for i, flags in enumerate(records.flags[: hi - lo]):
            if flags & _MARKED:
                got = worker.outputs.setdefault(lo + i, {})
                for flag, stream in ((OUTPUT_MARKED, worker.out), (ERRORS_MARKED, worker.err)):
                    if flags & flag and flag not in got:
                        output = stream.output_of(lo + i)
                        if output is None:
                            stream.read()
                            output = stream.output_of(lo + i)
                        if output is None and final:
                            output = NOTHING
                        if output is not None:
                            got[flag] = output
                if len(got) < (flags & _MARKED).bit_count():
                    return lo + i
        return hi

    def _events(self, worker: Worker, records: Records, lo: int, hi: int, events: list[Event]) -> None:
        batches = worker.batches
        while batches and batches[0].lo < hi:
            batch = batches[0]
            a, b = max(batch.lo, lo), min(batch.hi, hi)
            start = worker.position if a == lo else records.ends[a - lo - 1]
            flags = records.flags[a - lo : b - lo]
            if b - a == 1 and flags[0] == RICH and worker.kill is None:
                events.append(Finished(batch.cid, self._lone(worker, batch, records, a - lo, start)))
            elif any(flags) or worker.kill is not None:
                events += self._closely(worker, batch, records, lo, a, b, start)
            else:
                events.append(Finished(batch.cid, self._plain(worker, batch, records, lo, a, b, start)))
            self._estimates.learn(batch.work.submission.spec.function, records, a - lo, b - lo)
            if b == batch.hi:
                batches.popleft()
            else:
                batch.drop(b)
                break

    def _plain(self, worker: Worker, batch: Batch, records: Records, lo: int, a: int, b: int, start: int) -> Outcomes:
        """Nothing but small results: slices."""
        i, j = a - lo, b - lo
        ends = records.ends[i:j]
        offsets = array("Q", [0])
        offsets.extend(ends if start == 0 else [end - start for end in ends])
        return Outcomes(
            batch.sid, batch.index_of(a), b - a, records.status[i:j], batch.work.claim.attempt, records.started[i:j],
            records.runtime[i:j], result=Column(offsets, worker.ring.bytes_between(start, ends[-1])),
        )  # fmt: skip

    def _lone(self, worker: Worker, batch: Batch, records: Records, i: int, start: int) -> Outcomes:
        """One job, as every `call` is, that left no output and no large result."""
        pieces = _open(worker.ring.bytes_between(start, records.ends[i]))
        result, error, exception, extra = [
            Column(array("Q", (0, len(piece))), piece) if piece else None for piece in pieces
        ]
        j = i + 1
        return Outcomes(
            batch.sid, batch.index, 1, records.status[i:j], batch.work.claim.attempt, records.started[i:j],
            records.runtime[i:j], result, error, exception, None, None, extra,
        )  # fmt: skip

    def _closely(self, worker: Worker, batch: Batch, records: Records, lo: int, a: int, b: int,
                 start: int) -> list[Event]:  # fmt: skip
        """Anything else, job by job; jobs that were skipped part the outcomes."""
        events: list[Event] = []
        rows = Rows()
        first = a
        for seq in range(a, b):
            i = seq - lo
            end = records.ends[i]
            body = worker.ring.bytes_between(start, end)
            start = end
            kill = worker.kill if worker.kill is not None and worker.kill.seq == seq else None
            if kill is not None:
                worker.kill = None
            if records.flags[i] & SKIPPED and kill is None:
                events += rows.finished(batch, first)
                first = seq + 1
                rows = Rows()
                index = batch.index_of(seq)
                if events and isinstance(last := events[-1], Returned) and last.hi == index:
                    events[-1] = Returned(batch.cid, last.lo, index + 1)
                else:
                    events.append(Returned(batch.cid, index, index + 1))
                continue
            self._row(worker, batch, records, i, seq, body, kill, rows)
        return events + rows.finished(batch, first)

    def _row(self, worker: Worker, batch: Batch, records: Records, i: int, seq: int, body: bytes, kill: Kill | None,
             rows: "Rows") -> None:  # fmt: skip
        flags, status = records.flags[i], records.status[i]
        result, error, exception, extra = body, b"", b"", b""
        if flags & RICH:
            result, error, exception, extra = _open(body)
        if flags & SKIPPED and kill is not None:
            status, error = kill.status, kill.reason.encode()
        elif status == Status.KILLED and kill is not None:
            error = b"\n".join(text for text in (error.rstrip(), kill.reason.encode()) if text)
        if flags & LARGE:
            failed = self._keep(worker, batch, seq, rows)
            if failed:
                status, error = Status.ERROR, failed.encode()
        output = worker.outputs.pop(seq, {})
        rows.add(
            status, records.started[i], records.runtime[i], result, error, exception, extra,
            output.get(OUTPUT_MARKED, NOTHING), output.get(ERRORS_MARKED, NOTHING),
        )  # fmt: skip

    def _keep(self, worker: Worker, batch: Batch, seq: int, rows: "Rows") -> str:
        """Hand a large result to the blobs; why that failed, or ''."""
        if seq not in worker.files:
            worker.receive_files()
        if seq not in worker.files:
            return "The result was lost on its way from the worker."
        fd, _ = worker.files.pop(seq)
        index = batch.index_of(seq)
        try:
            ref = self._blobs.adopt(f"results/{batch.sid}/{index}-{batch.work.claim.attempt}", fd)
            rows.blobs[index] = ref
        except (CloudException, OSError) as failure:
            return f"The result could not be kept: {failure}"
        finally:
            os.close(fd)
        return ""


@dataclass(slots=True)
class Rows:
    """Outcomes under construction, a list per column."""

    status: bytearray = field(default_factory=bytearray)
    started: "array[float]" = field(default_factory=lambda: array("d"))
    runtime: "array[float]" = field(default_factory=lambda: array("d"))
    columns: tuple[list[bytes], ...] = field(default_factory=lambda: ([], [], [], [], [], []))
    blobs: dict[int, BlobRef] = field(default_factory=dict)

    def add(self, status: int, started: float, runtime: float, result: bytes, error: bytes, exception: bytes,
            extra: bytes, stdout: Written, stderr: Written) -> None:  # fmt: skip
        """One job."""
        if stdout.dropped or stderr.dropped:
            noted = dict_in(extra)
            before = noted.get("dropped")
            lost = {"stdout": stdout.dropped, "stderr": stderr.dropped}
            noted["dropped"] = {**before, **lost} if isinstance(before, dict) else lost
            extra = json.dumps(noted).encode()
        self.status.append(status)
        self.started.append(started)
        self.runtime.append(runtime)
        for column, value in zip(self.columns, (result, error, exception, stdout, stderr, extra), strict=True):
            column.append(value)

    def finished(self, batch: Batch, first: int) -> list[Event]:
        """The event, [] if there are no rows; `first` is the seq of the first."""
        if not self.status:
            return []
        result, error, exception, stdout, stderr, extra = (Column.of(column) for column in self.columns)
        outcomes = Outcomes(
            batch.sid, batch.index_of(first), len(self.status), bytes(self.status), batch.work.claim.attempt,
            self.started, self.runtime, result, error, exception, stdout, stderr, extra, self.blobs,
        )  # fmt: skip
        return [Finished(batch.cid, outcomes)]


def ended_by_agent(batch: Batch, seq: int, status: Status, error: str, *, started: float = math.nan,
                   runtime: float = math.nan, stdout: Written = NOTHING,
                   stderr: Written = NOTHING, extra: bytes = b"") -> Finished:  # fmt: skip
    """The outcome of one job whose worker could not say it any more."""
    rows = Rows()
    rows.add(status, started, runtime, b"", error.encode("utf-8", "backslashreplace"), b"", extra, stdout, stderr)
    event = rows.finished(batch, seq)[0]
    assert isinstance(event, Finished)
    return event


def ended_unstarted(batch: Batch, lo: int, hi: int, status: Status, error: str) -> Finished:
    """Jobs lo..hi-1, by index, that ended alike without having run."""
    outcomes = Outcomes.uniform(batch.sid, lo, hi, status, error)
    outcomes.attempt = batch.work.claim.attempt
    return Finished(batch.cid, outcomes)


def _open(body: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    a, b, c, d = BODY.unpack_from(body)
    start = BODY.size
    b += a
    c += b
    d += c
    rest = body[start:]
    return rest[:a], rest[a:b], rest[b:c], rest[c:d]
