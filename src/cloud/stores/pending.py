"""Jobs that no worker has: pending ranges, ready or waiting."""

import heapq
import os

from cloud.dispatch.ports import Pending
from cloud.model import Stretch, Submission
from cloud.stores.chunks import Chunks
from cloud.stores.connection import Row
from cloud.stores.queries import Queries

SQL = Queries("places.sql")


class PendingJobs(Chunks):
    """The ready queue and those that wait."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._fresh: dict[int, Row] = {}
        """Pending rows of new submissions that are not written yet, by stop."""
        super().__init__(path)

    def _reload(self) -> None:
        super()._reload()
        self._fresh.clear()

    def _write_places(self) -> None:
        self._kept_places = False
        fresh, self._fresh = self._fresh, {}
        for row in fresh.values():
            self._write(SQL.insert_pending, row)

    def pending(self, stretch: Stretch) -> list[Pending]:
        """Pending ranges that overlap, ascending, cut to the stretch."""
        base = self._base(stretch.sid)
        if base is None:
            return []
        found = []
        for stop, start, sid, losses, ready, account, priority in self._pending_rows(base, stretch.lo, stretch.hi):
            lo, hi = max(start - base, stretch.lo), min(stop - base, stretch.hi)
            found.append(Pending(sid, lo, hi, losses, bool(ready), account, priority))
        return found

    def ready(self, limit: int, after: Pending | None = None) -> list[Pending]:
        """Ready pending ranges in the order (priority, sid, lo), beginning behind `after`."""
        lists = [self._ready_rows(account, limit, after) for account in self.ready_accounts()]
        rows = lists[0] if len(lists) == 1 else list(heapq.merge(*lists, key=_turn))[:limit]
        return [self._as_pending(row) for row in rows]

    def ready_accounts(self) -> list[int]:
        """Accounts with a ready pending range."""
        accounts: list[int] = []
        row = self._first(SQL.next_ready_account, (-(1 << 62),))
        while row is not None:
            accounts.append(row[0])
            row = self._first(SQL.next_ready_account, row)
        return accounts

    def ready_of(self, account: int, limit: int, after: Pending | None = None) -> list[Pending]:
        """As `ready`, for one account."""
        return [self._as_pending(row) for row in self._ready_rows(account, limit, after)]

    def backlog(self) -> list[tuple[int, int, int]]:
        """(account, waiting, queued): how many jobs of each account that has any no worker has taken yet."""
        return [(account, waiting, queued) for account, waiting, queued in self._read(SQL.backlog)]

    def longest_queues(self, limit: int) -> list[tuple[int, int]]:
        """(sid, jobs): submissions by how many jobs of theirs no worker has taken yet, the most first."""
        return [(sid, jobs) for sid, jobs in self._read(SQL.longest_queues, (limit,))]

    def release(self, sid: int) -> None:
        """Its barrier is open: waiting ranges become ready."""
        self._write(SQL.release, (sid,))

    def _await_turn(self, submission: Submission, ready: bool) -> None:
        jids = submission.jids
        row = (jids.stop, jids.start, submission.sid, 0, int(ready), submission.account, submission.spec.priority)
        if not self._begun:
            self._begin()
        self._fresh[jids.stop] = row
        self._kept_places = True

    def _ready_rows(self, account: int, limit: int, after: Pending | None) -> list[Row]:
        if after is None:
            return self._read(SQL.ready_of, (account, limit))
        # `after` counts by its lo: what is left of a range whose front was claimed meanwhile still comes.
        turn = (after.priority, after.sid, (self._base(after.sid) or 0) + after.lo)
        return self._read(SQL.ready_of_after, (account, *turn, limit))

    def _as_pending(self, row: Row) -> Pending:
        stop, start, sid, losses, ready, account, priority = row
        base = self._base(sid) or 0
        return Pending(sid, start - base, stop - base, losses, bool(ready), account, priority)

    def _pending_rows(self, base: int, lo: int, hi: int) -> list[Row]:
        rows = []
        for row in self._each(SQL.pending_from, (base + lo,)):
            if row[1] >= base + hi:
                break
            rows.append(row)
        return rows

    def _take_pending(self, row: Row, start: int, stop: int) -> None:
        """Take jids start..stop-1 out of a pending row that holds them."""
        row_stop, row_start, *rest = row
        if stop < row_stop:
            self._write(SQL.move_pending_start, (stop, row_stop))
        else:
            self._write(SQL.delete_pending, (row_stop,))
        if row_start < start:
            self._write(SQL.insert_pending, (start, row_start, *rest))

    def _put_pending(self, start: int, stop: int, submission: Submission, losses: int) -> None:
        """Make jids start..stop-1 pending and ready, joined with equal neighbours."""
        sid, limits = submission.sid, submission.jids
        right = self._first(SQL.first_pending, (stop,)) if stop < limits.stop else None
        if start > limits.start:
            left = self._first(SQL.pending_ending, (start,))
            if left is not None and left[1:] == (sid, losses, 1):
                self._write(SQL.delete_pending, (start,))
                start = left[0]
        if right is not None and right[1] == stop and right[2:5] == (sid, losses, 1):
            self._write(SQL.move_pending_start, (start, right[0]))
        else:
            self._write(SQL.insert_pending, (stop, start, sid, losses, 1, submission.account, submission.spec.priority))


def _turn(row: Row) -> tuple[int, int, int]:
    stop, _, sid, _, _, _, priority = row
    return priority, sid, stop
