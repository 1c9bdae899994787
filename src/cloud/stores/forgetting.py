"""Forgetting finished jobs, and what retention needs to know."""

from collections.abc import Sequence
from datetime import datetime

from cloud.model import Column, Outcomes, Status, Stretch, Submission
from cloud.stores.barriers import Barriers
from cloud.stores.connection import Row, moment
from cloud.stores.outcomes import SQL as OUTCOMES
from cloud.stores.queries import Queries
from cloud.stores.rows import STORED, row_of
from cloud.stores.submissions import SQL as NUMBERS

SQL = Queries("forgetting.sql")
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
        blobs = [name for (name,) in self._read(SQL.blob_names, (lo, hi))]
        if blobs:
            self._write(SQL.delete_blobs, (lo, hi))
        self._lone.pop(stretch.sid, None)
        self._write(OUTCOMES.delete_whole, (lo, hi))
        for stop, start in self._sticking_out(lo, hi):
            self._rewrite(base, stop, max(lo, start) - base, min(hi, stop) - base)
        return blobs + self._delete_if_empty(submission)

    def drop_unsealed(self, sid: int) -> list[str]:
        """Remove an unsealed submission; returns its blobs as `delete` does."""
        submission = self.submission(sid)
        if submission is None or submission.sealed:
            return []
        return self._delete_submission(sid)

    def referenced(self, names: Sequence[str]) -> set[str]:
        """Those of these blob names that something stored refers to."""
        return {name for name in names if self._first(SQL.is_referenced, (name,))[0]}

    def oldest_finished(self, limit: int) -> list[tuple[int, datetime, int]]:
        """(sid, last end, bytes) of submissions that are finished altogether, oldest end first: for retention."""
        self._flush()
        found: list[tuple[int, datetime, int]] = []
        ends: dict[int, tuple[int, int] | None] = {}
        for sid, ended in self._each(SQL.by_end):
            if len(found) >= limit:
                break
            if sid not in ends:
                ends[sid] = self._end_and_bytes(sid)
            end = ends[sid]
            if end is not None and end[0] == ended:
                found.append((sid, moment(ended), end[1]))
                ends[sid] = None
        return found

    def ended_jids(self) -> list[range]:
        """Jids of finished jobs that were not deleted (single deleted ones among others may be in), in ranges,
        those that ended first first: for retention."""
        self._flush()
        return [range(start, stop) for start, stop in self._read(SQL.ended_jids, ())]

    def size_bytes(self) -> int:
        """Bytes the store holds, inline data only."""
        return int(self._first(SQL.page_bytes)[0])

    def _sticking_out(self, lo: int, hi: int) -> list[Row]:
        """Rows (stop, start) that overlap jids lo..hi-1; those inside are gone already, so there are two at most."""
        rows = []
        for row in self._each(OUTCOMES.overlapping, (lo,)):
            if row[1] >= hi:
                break
            rows.append(row)
        return rows

    def _rewrite(self, base: int, stop: int, lo: int, hi: int) -> None:
        """Take jobs lo..hi-1 out of the row that ends at a jid."""
        row, ended = self._taken_row(base, stop)
        for part in _without(row, lo, hi):
            self._write(OUTCOMES.insert, row_of(part, base, ended))

    def _delete_if_empty(self, submission: Submission) -> list[str]:
        jids = submission.jids
        if not self.all_finished(Stretch(submission.sid, 0, submission.count)):
            return []
        if self._first(SQL.anything_left, (jids.start, jids.stop)):
            return []
        return self._delete_submission(submission.sid)

    def _delete_submission(self, sid: int) -> list[str]:
        self._flush()
        blobs = [name for (name,) in self._read(SQL.chunk_blobs, (sid,))]
        (code,) = self._first(SQL.code_of, (sid,))
        for statement in (SQL.delete_chunks, SQL.delete_barrier, SQL.delete_losses, SQL.delete_submission):
            self._write(statement, (sid,))
        self._held.pop(sid, None)
        # The highest numbers may have gone with it, and must not be given out again.
        self._write(NUMBERS.set_counter, ("sid", self._next_sid))
        self._write(NUMBERS.set_counter, ("jid", self._next_jid))
        unused = self._write_first(SQL.delete_unused_code, (code,))
        if unused is not None:
            self._codes.clear()
            self._functions.clear()
            function = self._write_first(SQL.delete_unused_function, unused)
            if function is not None and function[0] is not None:
                blobs.append(function[0])
        return blobs

    def _end_and_bytes(self, sid: int) -> tuple[int, int] | None:
        """When a finished submission ended and what it occupies; None when it is not finished."""
        submission = self.submission(sid)
        if submission is None or not self.all_finished(Stretch(sid, 0, submission.count)):
            return None
        jids = submission.jids
        end, size_bytes = self._first(SQL.end_and_bytes, (jids.start, jids.stop))
        (blob_bytes,) = self._first(SQL.blob_bytes, (jids.start, jids.stop))
        (chunk_bytes,) = self._first(SQL.chunk_bytes, (sid,))
        return end, size_bytes + blob_bytes + chunk_bytes


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
