"""Forgetting finished jobs, and what retention needs to know."""

from collections.abc import Sequence
from datetime import datetime

from cloud.model import Column, Outcomes, Status, Stretch, Submission
from cloud.stores.barriers import Barriers
from cloud.stores.rows import STORED, row_of
from cloud.stores.times import moment

_DELETED = bytes([Status.DELETED])


class Forgetting(Barriers):
    """Deletion removes outcome rows that lie inside, and rewrites the two that stick out."""

    def delete(self, stretch: Stretch) -> list[str]:
        """Forget finished jobs (all of the stretch must be finished). A submission of which nothing is left goes
        whole, with its chunks, barrier and losses. Returns names of blobs that nothing references any more
        (functions included); the caller deletes them after the commit."""
        submission = self.submission(stretch.sid)
        if submission is None or submission.first_jid is None or not self.all_finished(stretch):
            raise ValueError(f"jobs {stretch.lo}..{stretch.hi - 1} of submission {stretch.sid} are not all finished")
        base = submission.first_jid
        lo, hi = base + stretch.lo, base + stretch.hi
        if not self._writing:
            self._begin_writing()
        gone, outside = self._reads(
            (self._sql.delete_result_blobs, (lo, hi)), (self._sql.outcomes_sticking_out, (lo, hi))
        )
        kept = [(self._outcomes_in(base, row), row) for row in outside]
        self._lone.pop(stretch.sid, None)
        self._write(self._sql.delete_outcomes_inside, (lo, hi))
        self._write_many(self._sql.delete_outcomes, [(row[0],) for row in outside])
        for held, row in kept:
            for part in _without(held, max(lo, row[1]) - base, min(hi, row[0]) - base):
                self._write(self._sql.insert_outcomes, row_of(part, base, row[4]))
        return [name for _, name in sorted(gone)] + self._delete_if_empty(submission)

    def drop_unsealed(self, sid: int) -> list[str]:
        """Remove an unsealed submission; returns its blobs as `delete` does."""
        submission = self.submission(sid)
        if submission is None or submission.sealed:
            return []
        return self._delete_submission(sid)

    def referenced(self, names: Sequence[str]) -> set[str]:
        """Those of these blob names that something stored refers to."""
        return {name for (name,) in self._read_many(self._sql.referenced, names)}

    def oldest_finished(self, limit: int) -> list[tuple[int, datetime, int]]:
        """(sid, last end, bytes) of submissions that are finished altogether, oldest end first: for retention."""
        found: list[tuple[int, datetime, int]] = []
        ends: dict[int, tuple[int, int]] = {}
        seen: set[int] = set()
        place, size = (-(1 << 62), 0), max(2 * limit, 100)
        while True:
            page = self._read(self._sql.oldest_outcomes, (*place, size))
            new = sorted({sid for sid, _, _ in page} - seen)
            if new:
                seen.update(new)
                ends.update((sid, (end, held)) for sid, end, held in self._read_many(self._sql.ends, new))
            for sid, ended, _ in page:
                if len(found) >= limit:
                    return found
                if sid in ends and ends[sid][0] == ended:
                    found.append((sid, moment(ended), ends.pop(sid)[1]))
            if len(page) < size:
                return found
            place = page[-1][1:]

    def finished_jobs(self) -> int:
        """How many jobs are finished and not deleted."""
        return int(self._first(self._sql.finished_jobs)[0])

    def ended_jids(self, limit: int) -> list[range]:
        """Jids of the finished jobs that ended first (single deleted ones among others may be in), in `limit` ranges at
        most: for retention."""
        return [range(start, stop) for start, stop in self._read(self._sql.ended_jids, (limit,))]

    def size_bytes(self) -> int:
        """Bytes the store holds, inline data only."""
        return int(self._first(self._sql.size_bytes)[0])

    def _delete_if_empty(self, submission: Submission) -> list[str]:
        jids = submission.jids
        if self._first(self._sql.anything_left, (jids.start, jids.stop))[0]:
            return []
        return self._delete_submission(submission.sid)

    def _delete_submission(self, sid: int) -> list[str]:
        self._write(self._sql.delete_barrier, (sid,))
        self._write(self._sql.delete_losses, (sid,))
        chunks, codes = self._reads((self._sql.delete_chunks, (sid,)), (self._sql.delete_submission, (sid,)))
        self._held.pop(sid, None)
        self._note_deletion()
        blobs = sorted({blob for (blob,) in chunks if blob is not None})
        if blobs:  # others may run with the same arguments again
            blobs = sorted(set(blobs) - self.referenced(blobs))
        unused = self._write_read(self._sql.delete_unused_code, codes[0])
        if unused:
            self._codes.clear()
            self._functions.clear()
            functions = self._write_read(self._sql.delete_unused_function, unused[0])
            blobs += [blob for (blob,) in functions if blob is not None]
        return blobs


def _without(row: Outcomes, lo: int, hi: int) -> list[Outcomes]:
    """What is left of a row without jobs lo..hi-1. Cut where that makes one piece or the row is uniform; jobs in
    the middle are marked instead, so that deleting every second job does not leave a row for each of the others."""
    if row.is_uniform or lo == row.lo or hi == row.hi:
        parts = [row.slice(a, b) for a, b in ((row.lo, lo), (hi, row.hi)) if a < b]
        return [trimmed for part in parts if (trimmed := _trimmed(part)) is not None]
    a, b = lo - row.lo, hi - row.lo
    row.status = row.status[:a] + _DELETED * (b - a) + row.status[b:]
    for name in STORED:
        column: Column | None = getattr(row, name)
        if column is not None:
            setattr(row, name, _blanked(column, a, b))
    row.blobs = {index: ref for index, ref in row.blobs.items() if not lo <= index < hi}
    return [row]


def _trimmed(row: Outcomes) -> Outcomes | None:
    """The row without deleted jobs at its ends; None when there are no others."""
    if row.is_uniform:
        return row
    left = len(row.status) - len(row.status.lstrip(_DELETED))
    right = len(row.status.rstrip(_DELETED))
    return row.slice(row.lo + left, row.lo + right) if left < right else None


def _blanked(column: Column, lo: int, hi: int) -> Column | None:
    """The column with nothing for jobs lo..hi-1."""
    offsets = column.offsets
    gone = offsets[hi] - offsets[lo]
    kept = offsets[:lo]
    kept.extend([offsets[lo]] * (hi - lo))
    kept.extend([offset - gone for offset in offsets[hi:]])
    return Column(kept, b"".join((column.data[: offsets[lo]], column.data[offsets[hi] :]))) if kept[-1] else None
