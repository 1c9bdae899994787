"""How jobs ended: outcome rows, read in columns."""

from collections.abc import Sequence

from cloud.model import BlobRef, Outcomes, Status, Stretch
from cloud.stores.claims import Claims
from cloud.stores.database import Location, Row
from cloud.stores.longest import longest
from cloud.stores.rows import STORED, outcomes_of

_ALIVE = frozenset(set(Status) - {Status.DELETED})
_FAILED = frozenset(status for status in Status if status.failed)
_DELETED = bytes([Status.DELETED])
_FINISHED = (Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED)
"""In the order of the table's columns."""
_NO_JID = 1 << 62
_LONE_MAX_BYTES = 4096


class OutcomeRows(Claims):
    """Reading outcomes."""

    _most_lone = 256
    """How many outcomes of single jobs are held in memory: most are read once, just after they were written. None where
    others may delete them unnoticed."""

    def __init__(self, location: Location) -> None:
        self._lone: dict[int, Outcomes] = {}
        """By sid, small outcomes of submissions of one job, as they are in their rows."""
        self._statements: dict[tuple[str, ...], str] = {}
        """That read outcomes with these columns."""
        super().__init__(location)

    def _reload(self) -> None:
        super()._reload()
        self._lone.clear()

    def _hold_lone(self, outcomes: Outcomes) -> bool:
        """Remember how a submission of one job ended, if that is small and may be held."""
        if not self._most_lone or outcomes.blobs or outcomes.is_uniform:
            return False
        o = outcomes
        columns = (o.result, o.error, o.exception, o.stdout, o.stderr, o.extra)
        if sum([len(column.data) for column in columns if column is not None]) > _LONE_MAX_BYTES:
            return False
        if len(self._lone) >= self._most_lone:
            del self._lone[next(iter(self._lone))]
        self._lone[o.sid] = o
        return True

    def outcomes(
        self, stretch: Stretch, *, columns: Sequence[str] = (), max_bytes: int | None = None
    ) -> list[Outcomes]:
        """Outcome rows that overlap, ascending, cut to the stretch, deleted jobs left out. Status, times and blobs
        are always filled; byte columns only if named. Stops after the row that passes `max_bytes`."""
        lone = self._lone.get(stretch.sid)
        if lone is not None and stretch.lo < stretch.hi:
            return [lone.only(columns)]
        base = self._base(stretch.sid)
        found: list[Outcomes] = []
        if base is None or stretch.lo >= stretch.hi:
            return found
        names = tuple(columns)
        left = max_bytes
        blobs: list[Outcomes] = []
        sql, lo, hi = self._reading_columns(names), base + stretch.lo, base + stretch.hi
        for row in self._each(sql, lo, hi, all_of_them=max_bytes is None):
            stop, start, attempt, has_blobs, status, started, runtime, *packed = row
            whole = outcomes_of(
                stretch.sid, start - base, stop - start, attempt, status, (started, runtime),
                dict(zip(names, packed, strict=True)),
            )  # fmt: skip
            cut = whole.slice(max(whole.lo, stretch.lo), min(whole.hi, stretch.hi))
            pieces = [cut.slice(lo, hi) for lo, hi in cut.runs(_ALIVE)] if _DELETED in cut.status else [cut]
            found += pieces
            if has_blobs:
                blobs += pieces
            if left is not None:
                left -= sum(_size_bytes(piece, names) for piece in pieces)
                if left < 0:
                    break
        if blobs:
            refs = self._blobs(base, blobs[0].lo, blobs[-1].hi)
            for piece in blobs:
                piece.blobs = {index: ref for index, ref in refs.items() if piece.lo <= index < piece.hi}
        return found

    def first_failure(self, stretch: Stretch) -> int | None:
        """Lowest index in the stretch whose outcome is error, killed or stalled; found without reading done rows."""
        base = self._base(stretch.sid)
        if base is None:
            return None
        for stop, start, statuses in self._read(self._sql.failed, (base + stretch.lo, base + stretch.hi)):
            row = Outcomes(stretch.sid, start - base, stop - start, statuses)
            for lo, hi in row.runs(_FAILED):
                if hi > stretch.lo:
                    return max(lo, stretch.lo) if lo < stretch.hi else None
        return None

    def failed_rows(self, stretch: Stretch, limit: int) -> list[range]:
        """Indices of the outcome rows that hold a job whose outcome is error, killed or stalled, among others; cut to
        the stretch, ascending, the first `limit` of them."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return []
        rows = self._read(self._sql.failed_rows, (base + stretch.lo, base + stretch.hi, limit))
        return [range(max(start - base, stretch.lo), min(stop - base, stretch.hi)) for stop, start in rows]

    def last_failed(self, before: int | None = None) -> int | None:
        """The sid of the newest submission with a job whose outcome is error, killed or stalled; with `before`, of
        those whose jids are all below it."""
        row = self._first(self._sql.last_failed, (_NO_JID if before is None else before,))
        return row[0] if row else None

    def counts(self, stretch: Stretch) -> dict[Status, int]:
        """How many jobs of the stretch have each finished status; statuses nobody has are absent."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return {}
        lo, hi = base + stretch.lo, base + stretch.hi
        inside, outside = self._reads((self._sql.counts, (lo, hi)), (self._sql.statuses_sticking_out, (lo, hi)))
        totals = dict(zip(_FINISHED, inside[0], strict=True))
        for stop, start, statuses in outside:
            first, last = max(start, lo), min(stop, hi)
            codes = statuses[first - start : last - start] if len(statuses) > 1 else statuses * (last - first)
            for status in _FINISHED:
                totals[status] += codes.count(status)
        return {status: number for status, number in totals.items() if number}

    def census(self, account: int, jids: range) -> dict[Status, int] | None:
        """As `counts`, of whole submissions with these consecutive jids, unfinished jobs too. None: not all of them are
        of this account."""
        *numbers, foreign = self._first(self._sql.census, (jids.start, jids.stop, account))
        return None if foreign else {status: n for status, n in zip(Status, numbers, strict=False) if n}

    def slowest(self, stretch: Stretch, limit: int) -> list[tuple[int, float]]:
        """(index, seconds) of the `limit` jobs of the stretch that ran longest, of those that ended; longest first."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return []
        lo, hi = base + stretch.lo, base + stretch.hi
        # At either end of the stretch there may be a row that sticks out, whose longest is not in the stretch.
        return longest(stretch, base, self._read(self._sql.slowest, (lo, hi, limit + 2)), limit)

    def _reading_columns(self, names: tuple[str, ...]) -> str:
        sql = self._statements.get(names)
        if sql is None:
            columns = "".join(", " + STORED[name] for name in names)
            sql = self._statements[names] = self._sql.read_outcomes.format(columns=columns)
        return sql

    def _outcomes_in(self, base: int, row: Row) -> Outcomes:
        """What a whole row holds."""
        stop, start, sid, attempt, _, blobs, status, started, runtime, *packed = row
        columns = dict(zip(STORED, packed, strict=False))
        held = outcomes_of(sid, start - base, stop - start, attempt, status, (started, runtime), columns)
        if blobs:
            held.blobs = self._blobs(base, held.lo, held.hi)
        return held

    def _blobs(self, base: int, lo: int, hi: int) -> dict[int, BlobRef]:
        rows = self._read(self._sql.result_blobs, (base + lo, base + hi))
        return {jid - base: BlobRef(name, size_bytes) for jid, name, size_bytes in rows}


def _size_bytes(piece: Outcomes, names: tuple[str, ...]) -> int:
    size = 17 * len(piece.status)
    for name in names:
        column = getattr(piece, name)
        if column is not None:
            size += len(column.data)
    return size
