"""Jobs end: moves of claimed and pending jobs into outcome rows, which are merged while they are small."""

from datetime import datetime

from cloud.model import Outcomes, Submission
from cloud.stores.database import Location, Row
from cloud.stores.merging import LARGE_ENOUGH, MOST_BYTES, merged, worth_merging
from cloud.stores.outcomes import OutcomeRows
from cloud.stores.rows import row_of
from cloud.stores.times import microseconds

Ending = tuple[Outcomes, int, int]
"""Outcomes, the first jid of their submission, and when they ended: what `row_of` makes a row of."""


class Endings(OutcomeRows):
    """Writing outcomes. The row of a lone small one is kept back: its asker is told before anybody reads it."""

    def __init__(self, location: Location) -> None:
        self._ended: list[Ending] = []
        super().__init__(location)

    def _reload(self) -> None:
        super()._reload()
        self._ended.clear()

    def _write_kept(self) -> None:
        super()._write_kept()
        ended, self._ended = self._ended, []
        for ending in ended:
            self._write_apart(self._sql.insert_outcomes, row_of(*ending))

    def finish(self, cid: int, outcomes: Outcomes, *, at: datetime | None = None) -> bool:
        """Move `outcomes.lo..hi-1` out of the claim into an outcome row (merged with small neighbours). `at` is when,
        for outcomes that hold no times themselves.

        Compare-and-set: False, and nothing changes, unless claim `cid` exists with `outcomes.attempt` and holds
        that range. What is left of the claim on either side stays claimed; a middle piece leaves two rows, both with
        the same cid.
        """
        claim = self._holding(cid, outcomes.lo, outcomes.hi)
        if claim is None or claim.sid != outcomes.sid or claim.attempt != outcomes.attempt:
            return False
        submission = self._take_claimed(claim, outcomes.lo, outcomes.hi)
        self._add_outcomes(submission, outcomes, at)
        return True

    def settle(self, outcomes: Outcomes, *, at: datetime | None = None) -> list[tuple[int, int]]:
        """Move pending jobs of a uniform range into an outcome row: killed or stalled before they ran. Indices in it
        that are not pending are left alone; returns the ranges that moved. `at` is when."""
        submission = self.submission(outcomes.sid)
        if submission is None or submission.first_jid is None:
            return []
        base = submission.first_jid
        moved: list[tuple[int, int]] = []
        for row in self._pending_rows(base, outcomes.lo, outcomes.hi):
            lo, hi = max(row[1] - base, outcomes.lo), min(row[0] - base, outcomes.hi)
            self._take_pending(row, base + lo, base + hi)
            if moved and moved[-1][1] == lo:
                moved[-1] = moved[-1][0], hi
            else:
                moved.append((lo, hi))
        for lo, hi in moved:
            self._add_outcomes(submission, outcomes.slice(lo, hi), at)
        return moved

    def _add_outcomes(self, submission: Submission, outcomes: Outcomes, at: datetime | None) -> None:
        base = submission.jids.start
        ended = microseconds(submission.created_at if at is None else at)
        if submission.count == 1 and self._hold_lone(outcomes):
            if not self._writing:
                self._begin_writing()
            self._ended.append((outcomes, base, ended))
            self._kept = True
            return
        if outcomes.blobs:
            blobs = [(base + index, ref.name, ref.size_bytes) for index, ref in outcomes.blobs.items()]
            self._write_many(self._sql.insert_result_blobs, blobs)
        row = row_of(outcomes, base, ended)
        if submission.count > 1 and (outcomes.is_uniform or outcomes.count < LARGE_ENOUGH):
            row = self._merge(submission, outcomes, row)
        if self._unwritten:
            self.write_ahead()  # outcomes come behind their submission: PostgreSQL adds up whose they are
        self._write_apart(self._sql.insert_outcomes, row)

    def _merge(self, submission: Submission, outcomes: Outcomes, row: Row) -> Row:
        """Take in the neighbours that are worth it; returns the row to insert instead."""
        base, (stop, start), ended, size_bytes = submission.jids.start, row[:2], row[9], row[10]
        parts, victims = [outcomes], []
        while True:
            for other in self._beside(submission, outcomes, start, stop, size_bytes):
                held, other_bytes = self._outcomes_in(base, other), other[15]
                if outcomes.is_uniform:
                    like = held.status == outcomes.status and held.error == outcomes.error
                else:
                    like = worth_merging(stop - start, size_bytes, held.count, other_bytes)
                if like:
                    parts.append(held)
                    victims.append((other[0],))
                    start, stop, ended = min(start, other[1]), max(stop, other[0]), max(ended, other[4])
                    size_bytes += other_bytes
                    break
            else:
                break
        if not victims:
            return row
        self._write_many(self._sql.delete_outcomes, victims)
        if outcomes.is_uniform:
            o = outcomes
            joined = Outcomes(o.sid, start - base, stop - start, o.status, o.attempt, error=o.error)
            return row_of(joined, base, ended)
        return row_of(merged(sorted(parts, key=lambda part: part.lo)), base, ended)

    def _beside(self, submission: Submission, like: Outcomes, start: int, stop: int, size_bytes: int) -> list[Row]:
        """Whole rows, with their bytes, that touch jids start..stop-1 and might be merged."""
        limits = submission.jids
        wanted = like.attempt, like.is_uniform, 2 * (stop - start), MOST_BYTES - size_bytes
        questions = []
        if start > limits.start:
            questions.append((self._sql.outcomes_before, (start, *wanted)))
        if stop < limits.stop:
            questions.append((self._sql.outcomes_behind, (stop, *wanted)))
        return [row for rows in self._reads(*questions) for row in rows] if questions else []
