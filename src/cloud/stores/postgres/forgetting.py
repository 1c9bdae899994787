"""Forgetting finished jobs, and what retention needs to know."""

from collections.abc import Sequence
from datetime import datetime

from cloud.model import Stretch, Submission
from cloud.stores.connection import moment
from cloud.stores.forgetting import _without
from cloud.stores.postgres.barriers import Barriers
from cloud.stores.postgres.outcomes import SQL as OUTCOMES
from cloud.stores.queries import Queries
from cloud.stores.rows import row_of

SQL = Queries("forgetting.sql", __package__)
_PAGE = 1000


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
        self._must_write()
        gone, outside = self._reads((SQL.delete_blobs, (lo, hi)), (OUTCOMES.sticking_out, {"lo": lo, "hi": hi}))
        self._write(OUTCOMES.delete_inside, {"lo": lo, "hi": hi})
        for row in outside:
            held = self._outcomes_in(base, row)
            if row[5]:
                held.blobs = self._blobs(base, held.lo, held.hi)
            self._write(OUTCOMES.delete, ([row[0]],))
            for part in _without(held, max(lo, row[1]) - base, min(hi, row[0]) - base):
                self._write(OUTCOMES.insert, row_of(part, base, row[4]))
        return [name for _, name in sorted(gone)] + self._delete_if_empty(submission)

    def drop_unsealed(self, sid: int) -> list[str]:
        """Remove an unsealed submission; returns its blobs as `delete` does."""
        submission = self.submission(sid)
        if submission is None or submission.sealed:
            return []
        return self._delete_submission(sid)

    def referenced(self, names: Sequence[str]) -> set[str]:
        """Those of these blob names that something stored refers to."""
        return {name for (name,) in self._read(SQL.referenced, (list(names),))} if names else set()

    def oldest_finished(self, limit: int) -> list[tuple[int, datetime, int]]:
        """(sid, last end, bytes) of submissions that are finished altogether, oldest end first: for retention."""
        found: list[tuple[int, datetime, int]] = []
        ends: dict[int, tuple[int, int]] = {}
        seen: set[int] = set()
        place = (-(1 << 62), 0)
        while True:
            page = self._read(SQL.oldest_rows, (*place, _PAGE))
            new = sorted({sid for sid, _, _ in page} - seen)
            if new:
                seen.update(new)
                ends.update((sid, (end, size)) for sid, end, size in self._read(SQL.ends, (new,)))
            for sid, ended, _ in page:
                if len(found) >= limit:
                    return found
                if sid in ends and ends[sid][0] == ended:
                    found.append((sid, moment(ended), ends.pop(sid)[1]))
            if len(page) < _PAGE:
                return found
            place = page[-1][1:]

    def ended_jids(self) -> list[range]:
        """Jids of finished jobs that were not deleted (single deleted ones among others may be in), in ranges,
        those that ended first first: for retention."""
        return [range(start, stop) for start, stop in self._read(SQL.ended_jids)]

    def size_bytes(self) -> int:
        """Bytes the store holds, inline data only; without what the database needs to keep them."""
        return int(self._first(SQL.size_bytes)[0])

    def _delete_if_empty(self, submission: Submission) -> list[str]:
        jids = submission.jids
        if self._first(SQL.anything_left, {"lo": jids.start, "hi": jids.stop})[0]:
            return []
        return self._delete_submission(submission.sid)

    def _delete_submission(self, sid: int) -> list[str]:
        self._must_write()
        self._forgotten += 1
        self._write(SQL.delete_barrier, (sid,))
        self._write(SQL.delete_losses, (sid,))
        chunks, codes = self._reads((SQL.delete_chunks, (sid,)), (SQL.delete_submission, (sid,)))
        self._held.pop(sid, None)
        blobs = sorted({blob for (blob,) in chunks if blob is not None})
        if blobs:  # others may run with the same arguments again
            blobs = sorted(set(blobs) - self.referenced(blobs))
        unused = self._write_first(SQL.delete_unused_code, codes[0])
        if unused is not None:
            self._codes.clear()
            self._functions.clear()
            function = self._write_first(SQL.delete_unused_function, unused)
            if function is not None and function[0] is not None:
                blobs.append(function[0])
        return blobs
