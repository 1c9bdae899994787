"""Jobs that no worker has: pending ranges, ready or waiting."""

from abc import abstractmethod
from collections.abc import Sequence

from cloud.dispatch.ports import Pending
from cloud.model import Stretch, Submission
from cloud.stores.chunks import Chunks
from cloud.stores.database import Location, Row


class PendingJobs(Chunks):
    """The ready queue and those that wait."""

    def __init__(self, location: Location) -> None:
        self._fresh: dict[int, Row] = {}
        """Pending rows of new submissions that are not written yet, by stop."""
        super().__init__(location)

    def _reload(self) -> None:
        super()._reload()
        self._fresh.clear()

    def _write_kept(self) -> None:
        super()._write_kept()
        fresh, self._fresh = self._fresh, {}
        for row in fresh.values():
            self._write_apart(self._sql.insert_pending, row)

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
        return self._ready(self.ready_accounts(), limit, after)

    @abstractmethod
    def ready_accounts(self) -> list[int]:
        """Accounts with a ready pending range; found without a look at each range."""

    def ready_of(self, account: int, limit: int, after: Pending | None = None) -> list[Pending]:
        """As `ready`, for one account."""
        return self._ready((account,), limit, after)

    def backlog(self) -> list[tuple[int, int, int]]:
        """(account, waiting, queued): how many jobs of each account that has any no worker has taken yet."""
        return [(account, waiting, queued) for account, waiting, queued in self._read(self._sql.backlog)]

    def longest_queues(self, limit: int) -> list[tuple[int, int]]:
        """(sid, jobs): submissions by how many jobs of theirs no worker has taken yet, the most first."""
        return [(sid, jobs) for sid, jobs in self._read(self._sql.longest_queues, (limit,))]

    def release(self, sid: int) -> None:
        """Its barrier is open: waiting ranges become ready."""
        self._write(self._sql.release, (sid,))

    def _await_turn(self, submission: Submission, ready: bool) -> None:
        jids = submission.jids
        row = (jids.stop, jids.start, submission.sid, 0, ready, submission.account, submission.spec.priority)
        if not self._writing:
            self._begin_writing()
        self._fresh[jids.stop] = row
        self._kept = True

    def _ready(self, accounts: Sequence[int], limit: int, after: Pending | None) -> list[Pending]:
        if after is None:
            rows = self._read_many(self._sql.ready_of, accounts, limit)
        else:
            # `after` counts by its lo: what is left of a range whose front was claimed meanwhile still comes.
            jid = (self._base(after.sid) or 0) + after.lo
            rows = self._read_many(self._sql.ready_of_after, accounts, limit, after.priority, after.sid, jid)
        if len(accounts) > 1:
            rows = sorted(rows, key=_turn)[:limit]
        found = []
        for stop, start, sid, losses, ready, account, priority in rows:
            base = self._base(sid) or 0
            found.append(Pending(sid, start - base, stop - base, losses, bool(ready), account, priority))
        return found

    def _pending_rows(self, base: int, lo: int, hi: int) -> list[Row]:
        return self._read(self._sql.pending, (base + lo, base + hi)) if lo < hi else []

    def _take_pending(self, row: Row, start: int, stop: int) -> None:
        """Take jids start..stop-1 out of a pending row that holds them."""
        row_stop, row_start, *rest = row
        if stop < row_stop:
            self._write(self._sql.move_pending_start, (stop, row_stop))
        else:
            self._write(self._sql.delete_pending, (row_stop,))
        if row_start < start:
            self._write(self._sql.insert_pending, (start, row_start, *rest))

    def _put_pending(self, start: int, stop: int, submission: Submission, losses: int) -> None:
        """Make jids start..stop-1 pending and ready, joined with equal neighbours."""
        sid, limits = submission.sid, submission.jids
        lefts, rights = self._reads((self._sql.pending_before, (start,)), (self._sql.first_pending, (stop,)))
        if start > limits.start and lefts and lefts[0][2:5] == (sid, losses, True):
            self._write(self._sql.delete_pending, (start,))
            start = lefts[0][1]
        if rights and rights[0][1] == stop < limits.stop and rights[0][2:5] == (sid, losses, True):
            self._write(self._sql.move_pending_start, (start, rights[0][0]))
        else:
            row = (stop, start, sid, losses, True, submission.account, submission.spec.priority)
            self._write(self._sql.insert_pending, row)


def _turn(row: Row) -> tuple[int, int, int]:
    stop, _, sid, _, _, _, priority = row
    return priority, sid, stop
