"""How long jobs of a map ran: a sample from all over it, of which only what was unfinished before is read again."""

import asyncio
import math
from array import array
from collections.abc import Iterator

from cloud.dispatch.ports import Store
from cloud.model import Stretch, Submission

SAMPLED = 20_000
"""The most run times in the sample."""
_WINDOWS = 20


class RunTimes:
    """The sample of one map. It becomes wrong by the deletion of jobs alone."""

    def __init__(self, store: Store, submission: Submission) -> None:
        self._store = store
        self._sid = submission.sid
        self._windows = list(_windows(submission.count))
        self._known: dict[tuple[int, int], array[float]] = {}
        """Of windows all of whose jobs are finished."""

    async def sample(self) -> "array[float]":
        """Seconds, of up to `SAMPLED` jobs."""
        sampled = array("d")
        for window in self._windows:
            known = self._known.get(window)
            if known is None:
                lo, hi = window
                rows = self._store.outcomes(Stretch(self._sid, lo, hi))
                known = array("d", [s for outcomes in rows for s in outcomes.runtime if s >= 0])  # nan: never started
                if sum(outcomes.count for outcomes in rows) == hi - lo:
                    self._known[window] = known
                await asyncio.sleep(0)
            sampled += known
        return sampled


def _windows(count: int) -> Iterator[tuple[int, int]]:
    width = min(math.ceil(count / _WINDOWS), SAMPLED // _WINDOWS)
    for number in range(_WINDOWS):
        lo, hi = number * count // _WINDOWS, (number + 1) * count // _WINDOWS
        if lo < hi:
            yield lo, min(lo + width, hi)
