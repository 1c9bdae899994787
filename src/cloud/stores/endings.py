"""Jobs end: moves of claimed and pending jobs into outcome rows, which are merged while they are small."""

from datetime import datetime
from typing import Any

from cloud.model import Outcomes, Submission
from cloud.stores.connection import microseconds
from cloud.stores.merging import LARGE_ENOUGH, merged, worth_merging
from cloud.stores.outcomes import SQL, OutcomeRows
from cloud.stores.rows import STORED, outcomes_of, row_of


class Endings(OutcomeRows):
    """Writing outcomes."""

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
        if outcomes.blobs:
            blobs = [(base + index, ref.name, ref.size_bytes) for index, ref in outcomes.blobs.items()]
            self._write_many(SQL.insert_blob, blobs)
        row = row_of(outcomes, base, ended)
        if submission.count > 1:
            if outcomes.is_uniform:
                row = self._merge_uniform(submission, outcomes, row)
            elif outcomes.count < LARGE_ENOUGH:
                row = self._merge(submission, outcomes, row)
        else:
            self._hold_lone(outcomes, row[10])
        self._write_apart(SQL.insert, row)

    def _merge(self, submission: Submission, outcomes: Outcomes, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Take in the neighbours that are worth it; returns the row to insert instead."""
        stop, start, ended, size_bytes = row[0], row[1], row[9], row[10]
        victims: list[int] = []
        while True:
            for other_start, other_stop, attempt, uniform, other_bytes in self._beside(submission, start, stop):
                if uniform or attempt != outcomes.attempt:
                    continue
                if worth_merging(stop - start, size_bytes, other_stop - other_start, other_bytes):
                    victims.append(other_stop)
                    start, stop = min(start, other_start), max(stop, other_stop)
                    size_bytes += other_bytes
                    break
            else:
                break
        if not victims:
            return row
        parts, base = [outcomes], submission.jids.start
        for victim in victims:
            part, part_ended = self._taken_row(base, victim)
            parts.append(part)
            ended = max(ended, part_ended)
        parts.sort(key=lambda part: part.lo)
        return row_of(merged(parts), base, ended)

    def _merge_uniform(self, submission: Submission, outcomes: Outcomes, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """As `_merge`, whatever the length, when status and error are the same too."""
        base, stop, start, ended = submission.jids.start, row[0], row[1], row[9]
        for other_start, other_stop, attempt, uniform, _ in self._beside(submission, start, stop):
            if not uniform or attempt != outcomes.attempt:
                continue
            whole = self._first(SQL.whole, (other_stop,))
            if whole[6:10:3] == (row[12], row[15]):
                self._write(SQL.delete, (other_stop,))
                start, stop, ended = min(start, other_start), max(stop, other_stop), max(ended, whole[4])
        joined = Outcomes(
            outcomes.sid, start - base, stop - start, outcomes.status, outcomes.attempt, error=outcomes.error
        )
        return row_of(joined, base, ended)

    def _beside(self, submission: Submission, start: int, stop: int) -> list[Any]:
        """The rows that touch jids start..stop-1: (start, stop, attempt, whether uniform, bytes)."""
        limits, beside = submission.jids, []
        if start > limits.start and (row := self._first(SQL.ending, (start,))):
            beside.append(row)
        if stop < limits.stop and (row := self._first(SQL.beginning, (stop,))) and row[0] == stop:
            beside.append(row)
        return beside

    def _taken_row(self, base: int, stop: int) -> tuple[Outcomes, int]:
        """Delete the row that ends at a jid; what it held, without blobs, and when it ended."""
        row = self._first(SQL.whole, (stop,))
        _, start, sid, attempt, ended, blobs, status, started, runtime, *packed = row
        held = outcomes_of(
            sid, start - base, stop - start, attempt, status, (started, runtime), dict(zip(STORED, packed, strict=True))
        )
        if blobs:
            held.blobs = self._blobs(base, held.lo, held.hi)
        self._write(SQL.delete, (stop,))
        return held, ended
