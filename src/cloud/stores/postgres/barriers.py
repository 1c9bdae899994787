"""What submissions wait for."""

from collections.abc import Sequence
from typing import Any

from cloud.model import Stretch
from cloud.stores.barriers import _LEVEL_STEP
from cloud.stores.postgres.endings import Endings
from cloud.stores.queries import Queries

SQL = Queries("records.sql", __package__)


class Barriers(Endings):
    """A row per stretch that a submission depends on."""

    def add_barrier(self, sid: int, stretches: Sequence[Stretch]) -> None:
        """What the jobs of a submission wait for: a row per stretch, never per job."""
        bases = self._bases([stretch.sid for stretch in stretches])
        rows = []
        for stretch in stretches:
            base = bases.get(stretch.sid)
            if base is None:
                raise ValueError(f"submission {stretch.sid} is not sealed: nothing can depend on it")
            if stretch.lo < stretch.hi:
                level = -(-(len(stretch) - 1).bit_length() // _LEVEL_STEP) * _LEVEL_STEP
                rows.append((level, base + stretch.lo, base + stretch.hi, sid, stretch.sid, base))
                self._levels |= 1 << level
        if rows:
            self._write(SQL.insert_barrier, [list(column) for column in zip(*rows, strict=True)])

    def barrier(self, sid: int) -> list[Stretch]:
        """What it was told to wait for, in order of jids."""
        return [
            Stretch(parent, start - base, stop - base) for parent, start, stop, base in self._read(SQL.barrier, (sid,))
        ]

    def behind(self, stretch: Stretch) -> list[int]:
        """Sids of submissions that still have waiting jobs and a barrier stretch that overlaps this one."""
        between = self._between(stretch)
        return [] if between is None else [sid for (sid,) in self._read(SQL.behind, between)]

    def dependents(self, stretch: Stretch, limit: int) -> list[int]:
        """Sids of submissions, ascending and `limit` at most, with a barrier stretch that overlaps this one, whatever
        became of their jobs and of it."""
        between = self._between(stretch)
        if between is None:
            return []
        return [sid for (sid,) in self._read(SQL.dependents, {**between, "limit": limit})]

    def _between(self, stretch: Stretch) -> dict[str, Any] | None:
        """Where to look for what overlaps; None: nowhere."""
        if stretch.lo >= stretch.hi:
            return None
        levels = range(0, 64, _LEVEL_STEP)
        used = [level for level in levels if self._levels >> level & 1 or not self._depth]  # else the head is not known
        base = self._base(stretch.sid) if used else None
        return None if base is None else {"levels": used[:15], "lo": base + stretch.lo, "hi": base + stretch.hi}
