"""How jobs ended: outcome rows, read in columns."""

from collections.abc import Iterator, Sequence

from cloud.dispatch.ports import Glance
from cloud.model import BlobRef, Outcomes, Status, Stretch
from cloud.stores.longest import longest
from cloud.stores.outcomes import _ALIVE, _DELETED, _FAILED, _size_bytes
from cloud.stores.postgres.claims import Claims
from cloud.stores.postgres.connection import Row
from cloud.stores.queries import Queries
from cloud.stores.rows import STORED, outcomes_of

SQL = Queries("outcomes.sql", __package__)
_READS: dict[tuple[str, ...], str] = {}
_PAGE = 32
"""Rows read at a time where the reader may stop early; a merged row has 256 kB at most."""
_NO_LIMIT = 1 << 40
_NO_JID = (1 << 63) - 1
_GONE = Glance(open=False, failed=False, whole=False)
_FINISHED = (Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED)


class OutcomeRows(Claims):
    """Reading outcomes."""

    def outcomes(
        self, stretch: Stretch, *, columns: Sequence[str] = (), max_bytes: int | None = None
    ) -> list[Outcomes]:
        """Outcome rows that overlap, ascending, cut to the stretch, deleted jobs left out. Status, times and blobs
        are always filled; byte columns only if named. Stops after the row that passes `max_bytes`."""
        base = self._base(stretch.sid)
        found: list[Outcomes] = []
        if base is None or stretch.lo >= stretch.hi:
            return found
        names = tuple(columns)
        left = max_bytes
        blobs: list[Outcomes] = []
        for row in self._outcome_rows(names, base + stretch.lo, base + stretch.hi, paged=max_bytes is not None):
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

    def glances(self, stretches: Sequence[Stretch]) -> list[Glance]:
        """One for each stretch, in one round trip."""
        bases = self._bases([stretch.sid for stretch in stretches])
        known = [(bases[s.sid] + s.lo, bases[s.sid] + s.hi) for s in stretches if s.sid in bases]
        rows = iter(self._read(SQL.glances, ([lo for lo, _ in known], [hi for _, hi in known])) if known else [])
        return [Glance(*next(rows)) if s.sid in bases else _GONE for s in stretches]

    def first_failure(self, stretch: Stretch) -> int | None:
        """Lowest index in the stretch whose outcome is error, killed or stalled; found without reading done rows."""
        base = self._base(stretch.sid)
        if base is None:
            return None
        for stop, start, statuses in self._read(SQL.failed, {"lo": base + stretch.lo, "hi": base + stretch.hi}):
            row = Outcomes(stretch.sid, start - base, stop - start, statuses)
            for lo, hi in row.runs(_FAILED):
                if hi > stretch.lo:
                    return max(lo, stretch.lo) if lo < stretch.hi else None
        return None

    def last_failed(self, before: int | None = None) -> int | None:
        """The sid of the newest submission with a job whose outcome is error, killed or stalled; with `before`, of
        those whose jids are all below it."""
        row = self._first(SQL.last_failed, (_NO_JID if before is None else before,))
        return row[0] if row else None

    def counts(self, stretch: Stretch) -> dict[Status, int]:
        """How many jobs of the stretch have each finished status; statuses nobody has are absent."""
        base = self._base(stretch.sid)
        if base is None:
            return {}
        between = {"lo": base + stretch.lo, "hi": base + stretch.hi}
        inside, outside = self._reads((SQL.counts, between), (SQL.sticking_out, between))
        totals = dict(zip(_FINISHED, inside[0], strict=True))
        for row in outside:
            whole = self._outcomes_in(base, row)
            cut = whole.slice(max(whole.lo, stretch.lo), min(whole.hi, stretch.hi))
            for status, number in cut.counts().items():
                if status is not Status.DELETED:
                    totals[status] += number
        return {status: number for status, number in totals.items() if number}

    def census(self, account: int, jids: range) -> dict[Status, int] | None:
        """As `counts`, of whole submissions with these consecutive jids, unfinished jobs too. None: not all of them are
        of this account."""
        *numbers, foreign = self._first(SQL.census, {"lo": jids.start, "hi": jids.stop, "account": account})
        return None if foreign else {status: n for status, n in zip(Status, numbers, strict=False) if n}

    def slowest(self, stretch: Stretch, limit: int) -> list[tuple[int, float]]:
        """(index, seconds) of the `limit` jobs of the stretch that ran longest, of those that ended; longest first."""
        base = self._base(stretch.sid)
        if base is None or stretch.lo >= stretch.hi:
            return []
        asked = {"lo": base + stretch.lo, "hi": base + stretch.hi, "limit": limit + 2}
        return longest(stretch, base, self._read(SQL.slowest, asked), limit)

    def _outcome_rows(self, names: tuple[str, ...], lo: int, hi: int, *, paged: bool) -> Iterator[Row]:
        sql, limit = _reading(names), _PAGE if paged else _NO_LIMIT
        while True:
            rows = self._read(sql, {"lo": lo, "hi": hi, "limit": limit})
            yield from rows
            if len(rows) < limit:
                return
            lo = rows[-1][0]

    def _outcomes_in(self, base: int, row: Row) -> Outcomes:
        """What a whole row holds, without blobs."""
        stop, start, sid, attempt, _, _, status, started, runtime, *packed = row
        columns = dict(zip(STORED, packed, strict=False))
        return outcomes_of(sid, start - base, stop - start, attempt, status, (started, runtime), columns)

    def _blobs(self, base: int, lo: int, hi: int) -> dict[int, BlobRef]:
        rows = self._read(SQL.blobs, (base + lo, base + hi))
        return {jid - base: BlobRef(name, size_bytes) for jid, name, size_bytes in rows}


def _reading(names: tuple[str, ...]) -> str:
    sql = _READS.get(names)
    if sql is None:
        sql = _READS[names] = SQL.read.format(columns="".join(", " + STORED[name] for name in names))
    return sql
