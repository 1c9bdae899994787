"""How jobs ended, in columns: a few arrays for hundreds of jobs instead of an object for each (DESIGN D4)."""

import functools
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cloud.model.piece import BlobRef, Buffer
from cloud.model.status import Status

NAN = float("nan")
COLUMNS = ("result", "error", "exception", "stdout", "stderr", "extra")
"""Names of the byte columns of `Outcomes`, in storage and wire order."""


@dataclass(slots=True)
class Column:
    """Bytes of consecutive jobs, back to back: job i has data[offsets[i]:offsets[i + 1]]."""

    offsets: "array[int]"
    """Typecode 'Q', one more than there are jobs, first 0."""
    data: Buffer

    @classmethod
    def of(cls, items: Sequence[Buffer]) -> "Column | None":
        """A column of these bytes, or None when all are empty."""
        offsets = array("Q", bytes(8))
        total = 0
        for item in items:
            total += len(item)
            offsets.append(total)
        return cls(offsets, b"".join(items)) if total else None

    def __getitem__(self, i: int) -> Buffer:
        return self.data[self.offsets[i] : self.offsets[i + 1]]

    def slice(self, lo: int, hi: int) -> "Column | None":
        """Jobs lo..hi-1 of this column; None when they have no bytes."""
        start, stop = self.offsets[lo], self.offsets[hi]
        if start == stop:
            return None
        offsets = self.offsets[lo : hi + 1]
        if start:
            offsets = array("Q", [o - start for o in offsets])
        return Column(offsets, self.data[start:stop])


@dataclass(slots=True)
class Outcomes:
    """How `count` consecutive jobs of one submission ended.

    A range to which one thing happened (a million queued jobs killed) is *uniform*: `status` and `error` hold one
    entry that stands for all, the time arrays are empty, and there is nothing else.
    """

    sid: int
    lo: int
    count: int
    status: bytes
    """One `Status` per job; a single one when uniform."""
    attempt: int = 0
    """Which run of the jobs this was, from 1; 0 when they never ran."""
    started: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds since the epoch; nan where the job did not start. Empty when uniform."""
    runtime: "array[float]" = field(default_factory=lambda: array("d"))
    """Wall-clock seconds from start to end; nan where the job did not start. Empty when uniform."""
    result: Column | None = None
    """Envelopes of return values; empty where there is none or where `blobs` has it."""
    error: Column | None = None
    """UTF-8 text for people: the remote traceback, or why the job was killed or could not run."""
    exception: Column | None = None
    """Envelopes of the exceptions raised, where they could be pickled."""
    stdout: Column | None = None
    stderr: Column | None = None
    extra: Column | None = None
    """One JSON object per job: 'profile', 'result_repr', 'logging', ... Empty where there is nothing to say."""
    blobs: dict[int, BlobRef] = field(default_factory=dict)
    """Results too large for the row, by index in the submission."""

    @classmethod
    def uniform(cls, sid: int, lo: int, hi: int, status: Status, error: str = "") -> "Outcomes":
        """The same end for jobs lo..hi-1 that never ran."""
        return cls(sid, lo, hi - lo, bytes([status]), error=Column.of([error.encode()]))

    @property
    def hi(self) -> int:
        """One past the last index."""
        return self.lo + self.count

    @property
    def is_uniform(self) -> bool:
        """Whether one entry stands for all jobs."""
        return not self.started

    def status_of(self, index: int) -> Status:
        """Status of the job with this index in the submission."""
        return Status(self.status[0 if len(self.status) == 1 else index - self.lo])

    def statuses(self) -> bytes:
        """One `Status` per job, also when uniform."""
        return self.status * self.count if len(self.status) == 1 else self.status

    def bytes_of(self, column: str, index: int) -> Buffer:
        """Bytes of one job in one of `COLUMNS`; empty where there are none."""
        values: Column | None = getattr(self, column)
        if values is None:
            return b""
        return values[0 if self.is_uniform else index - self.lo]

    def counts(self) -> dict[Status, int]:
        """How many jobs have each status; statuses nobody has are absent."""
        if len(self.status) == 1:
            return {Status(self.status[0]): self.count}
        return {s: n for s in Status if (n := self.status.count(s))}

    def slice(self, lo: int, hi: int) -> "Outcomes":
        """Jobs lo..hi-1 (indices in the submission, inside this range); columns are shared where they can be."""
        if lo == self.lo and hi == self.hi:
            return self
        if self.is_uniform:
            return Outcomes(self.sid, lo, hi - lo, self.status, self.attempt, error=self.error)
        a, b = lo - self.lo, hi - self.lo
        cut = Outcomes(
            self.sid, lo, hi - lo, self.status[a:b], self.attempt, self.started[a:b], self.runtime[a:b],
            blobs={i: ref for i, ref in self.blobs.items() if lo <= i < hi},
        )  # fmt: skip
        for name in COLUMNS:
            column: Column | None = getattr(self, name)
            if column is not None:
                setattr(cut, name, column.slice(a, b))
        return cut

    def only(self, columns: Sequence[str]) -> "Outcomes":
        """The same with no byte columns but these."""
        kept = Outcomes(
            self.sid, self.lo, self.count, self.status, self.attempt, self.started, self.runtime, blobs=self.blobs
        )
        for name in columns:
            setattr(kept, name, getattr(self, name))
        return kept

    def runs(self, wanted: "frozenset[Status]") -> Iterator[tuple[int, int]]:
        """Maximal index ranges (lo, hi) whose jobs have one of the wanted statuses, ascending."""
        if len(self.status) == 1:
            if Status(self.status[0]) in wanted:
                yield self.lo, self.hi
            return
        for found in _one_of(wanted).finditer(self.status):
            yield self.lo + found.start(), self.lo + found.end()


@functools.cache
def _one_of(wanted: "frozenset[Status]") -> "re.Pattern[bytes]":
    """Finds runs of these among statuses: maps have millions, and failures are looked for among all."""
    return re.compile(b"[%b]+" % re.escape(bytes(sorted(wanted))) if wanted else b"(?!)")
