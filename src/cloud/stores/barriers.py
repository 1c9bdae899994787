"""What submissions wait for."""

import os
from collections.abc import Sequence

from cloud.model import Stretch
from cloud.stores.endings import Endings
from cloud.stores.queries import Queries

SQL = Queries("records.sql")
_LEVEL_STEP = 4
"""Levels are powers of 16: fewer to search, and each search finds little that does not overlap."""


class Barriers(Endings):
    """A row per stretch that a submission depends on."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._levels: list[int] = []
        super().__init__(path)

    def _reload(self) -> None:
        super()._reload()
        self._levels.clear()
        row = self._first(SQL.first_level, (-1,))
        while row is not None:
            self._levels.append(row[0])
            row = self._first(SQL.first_level, row)

    def add_barrier(self, sid: int, stretches: Sequence[Stretch]) -> None:
        """What the jobs of a submission wait for: a row per stretch, never per job."""
        rows = []
        for stretch in stretches:
            base = self._base(stretch.sid)
            if base is None:
                raise ValueError(f"submission {stretch.sid} is not sealed: nothing can depend on it")
            if stretch.lo < stretch.hi:
                level = -(-(len(stretch) - 1).bit_length() // _LEVEL_STEP) * _LEVEL_STEP
                rows.append((level, base + stretch.lo, base + stretch.hi, sid, stretch.sid, base))
        self._write_many(SQL.insert_barrier, rows)
        self._levels = sorted({*self._levels, *(row[0] for row in rows)})

    def barrier(self, sid: int) -> list[Stretch]:
        """What it was told to wait for, in order of jids."""
        return [
            Stretch(parent, start - base, stop - base) for parent, start, stop, base in self._read(SQL.barrier, (sid,))
        ]

    def behind(self, stretch: Stretch) -> list[int]:
        """Sids of submissions that still have waiting jobs and a barrier stretch that overlaps this one."""
        base = self._base(stretch.sid) if self._levels else None
        if base is None or stretch.lo >= stretch.hi:
            return []
        lo, hi = base + stretch.lo, base + stretch.hi
        found: set[int] = set()
        for level in self._levels:
            found.update(sid for (sid,) in self._read(SQL.behind, (level, lo - (1 << level), hi, lo)))
        return sorted(found)

    def dependents(self, stretch: Stretch, limit: int) -> list[int]:
        """Sids of submissions, ascending and `limit` at most, with a barrier stretch that overlaps this one, whatever
        became of their jobs and of it."""
        base = self._base(stretch.sid) if self._levels else None
        if base is None or stretch.lo >= stretch.hi:
            return []
        lo, hi = base + stretch.lo, base + stretch.hi
        found: set[int] = set()
        for level in self._levels:
            rows = self._read(SQL.dependents, (level, lo - (1 << level), hi, lo, limit))
            found.update(sid for (sid,) in rows)
        return sorted(found)[:limit]
