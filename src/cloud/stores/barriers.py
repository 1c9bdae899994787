"""What submissions wait for."""

from abc import abstractmethod
from collections.abc import Collection, Sequence

from cloud.model import Stretch
from cloud.stores.endings import Endings

LEVEL_STEP = 4
"""Levels are powers of 16: fewer to search, and each search finds little that does not overlap."""


class Barriers(Endings):
    """A row per stretch that a submission depends on."""

    @property
    @abstractmethod
    def _levels(self) -> Sequence[int]:
        """Levels that may have rows, ascending."""

    @abstractmethod
    def _note_levels(self, levels: Collection[int]) -> None:
        """These have rows from now on."""

    def add_barrier(self, sid: int, stretches: Sequence[Stretch]) -> None:
        """What the jobs of a submission wait for: a row per stretch, never per job."""
        bases = self._bases([stretch.sid for stretch in stretches])
        rows = []
        for stretch in stretches:
            base = bases.get(stretch.sid)
            if base is None:
                raise ValueError(f"submission {stretch.sid} is not sealed: nothing can depend on it")
            if stretch.lo < stretch.hi:
                level = -(-(len(stretch) - 1).bit_length() // LEVEL_STEP) * LEVEL_STEP
                rows.append((level, base + stretch.lo, base + stretch.hi, sid, stretch.sid, base))
        self._write_many(self._sql.insert_barrier, rows)
        self._note_levels({row[0] for row in rows})

    def barrier(self, sid: int) -> list[Stretch]:
        """What it was told to wait for, in order of jids."""
        return [
            Stretch(parent, start - base, stop - base)
            for parent, start, stop, base in self._read(self._sql.barrier, (sid,))
        ]

    def behind(self, stretch: Stretch) -> list[int]:
        """Sids of submissions that still have waiting jobs and a barrier stretch that overlaps this one."""
        levels = self._levels
        base = self._base(stretch.sid) if levels else None
        if base is None or stretch.lo >= stretch.hi:
            return []
        rows = self._read_many(self._sql.behind, levels, base + stretch.lo, base + stretch.hi)
        return sorted({sid for (sid,) in rows})

    def dependents(self, stretch: Stretch, limit: int) -> list[int]:
        """Sids of submissions, ascending and `limit` at most, with a barrier stretch that overlaps this one, whatever
        became of their jobs and of it."""
        levels = self._levels
        base = self._base(stretch.sid) if levels else None
        if base is None or stretch.lo >= stretch.hi:
            return []
        rows = self._read_many(self._sql.dependents, levels, base + stretch.lo, base + stretch.hi, limit)
        return sorted({sid for (sid,) in rows})[:limit]
