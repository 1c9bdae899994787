"""Forgetting finished jobs, and what retention needs to know."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud.model import Buffer, Column, Outcomes, Status, Stretch, Submission
from cloud.model.ranges import subtract
from cloud.stores.barriers import Barriers
from cloud.stores.database import Row
from cloud.stores.rows import STORED, row_of
from cloud.stores.times import moment

_DELETED = bytes([Status.DELETED])


class Forgetting(Barriers):
    """Deletion removes outcome rows that lie inside, and rewrites once each that sticks out."""

    def delete(self, *stretches: Stretch) -> list[str]:
        """Forget finished jobs of a submission: `stretches` of it, ascending, none of which touch (all of them must be
        finished). A submission of which nothing is left goes whole, with its chunks, barrier and losses. Returns names
        of blobs that nothing references any more (functions included); the caller deletes them after the commit."""
        first, last = stretches[0], stretches[-1]
        submission = self.submission(first.sid)
        finished = submission is not None and (
            self.all_finished(Stretch(first.sid, first.lo, last.hi)) or all(map(self.all_finished, stretches))
        )
        if submission is None or submission.first_jid is None or not finished:
            raise ValueError(f"jobs {first.lo}..{last.hi - 1} of submission {first.sid} are not all finished")
        if not self._writing:
            self._begin_writing()
        self._lone.pop(first.sid, None)
        base = submission.first_jid
        gone: list[Row] = []
        row: _Torn | None = None
        for stretch in stretches:
            lo, hi = base + stretch.lo, base + stretch.hi
            if row is not None and hi <= row.stop:  # many in one row are cut out of it together
                row.holes.append(range(stretch.lo, stretch.hi))
                if row.held.blobs:
                    gone += self._write_read(self._sql.delete_result_blobs, (lo, hi))
                continue
            self._mend(row, base)
            row = self._tear(base, stretch, gone)
        self._mend(row, base)
        return [name for _, name in sorted(gone)] + self._delete_if_empty(submission)

    def _tear(self, base: int, stretch: Stretch, gone: list[Row]) -> "_Torn | None":
        """Delete a stretch. The row that sticks out behind it is taken out as a whole, and to be mended."""
        lo, hi = base + stretch.lo, base + stretch.hi
        blobs, outside = self._reads(
            (self._sql.delete_result_blobs, (lo, hi)), (self._sql.outcomes_sticking_out, (lo, hi))
        )
        gone += blobs
        torn = [
            _Torn(self._outcomes_in(base, row), row[0], row[4], [range(max(lo, row[1]) - base, min(hi, row[0]) - base)])
            for row in sorted(outside)
        ]
        self._write(self._sql.delete_outcomes_inside, (lo, hi))
        self._write_many(self._sql.delete_outcomes, [(row.stop,) for row in torn])
        last = torn.pop() if torn and torn[-1].stop > hi else None
        for row in torn:
            self._mend(row, base)
        return last

    def _mend(self, row: "_Torn | None", base: int) -> None:
        if row is not None:
            for part in _without(row.held, row.holes):
                self._write(self._sql.insert_outcomes, row_of(part, base, row.ended))

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


@dataclass(slots=True)
class _Torn:
    """A row that was taken out, and which of its jobs do not come back."""

    held: Outcomes
    stop: int
    ended: int
    holes: list[range]


def _without(row: Outcomes, holes: Sequence[range]) -> list[Outcomes]:
    """What is left of a row without these jobs, ascending. Cut where the row is uniform; in others they are marked, so
    that deleting every second job does not leave a row for each of the others, and those at the ends go."""
    if row.is_uniform:
        return [row.slice(part.start, part.stop) for part in subtract((range(row.lo, row.hi),), holes)]
    status = bytearray(row.status)
    for hole in holes:
        status[hole.start - row.lo : hole.stop - row.lo] = _DELETED * len(hole)
    row.status = bytes(status)
    for name in STORED:
        column: Column | None = getattr(row, name)
        if column is not None:
            setattr(row, name, _blanked(column, [(hole.start - row.lo, hole.stop - row.lo) for hole in holes]))
    row.blobs = {index: ref for index, ref in row.blobs.items() if row.status[index - row.lo] != Status.DELETED}
    left = len(row.status) - len(row.status.lstrip(_DELETED))
    right = len(row.status.rstrip(_DELETED))
    return [row.slice(row.lo + left, row.lo + right)] if left < right else []


def _blanked(column: Column, holes: Sequence[tuple[int, int]]) -> Column | None:
    """The column with nothing for these jobs, lo..hi-1 each, ascending."""
    offsets, kept = column.offsets, array("Q", [0])
    pieces: list[Buffer] = []
    at = gone = 0
    for lo, hi in [*holes, (len(offsets) - 1, len(offsets) - 1)]:
        kept.extend([offset - gone for offset in offsets[at + 1 : lo + 1]])
        pieces.append(column.data[offsets[at] : offsets[lo]])
        kept.extend([kept[-1]] * (hi - lo))
        gone += offsets[hi] - offsets[lo]
        at = hi
    return Column(kept, b"".join(pieces)) if kept[-1] else None
