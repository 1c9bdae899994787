"""Which jobs ran longest, of the outcome rows that can hold them."""

import heapq
import math
from collections.abc import Iterable
from typing import Any

from cloud.model import Status, Stretch
from cloud.stores.rows import outcomes_of


def longest(stretch: Stretch, base: int, rows: Iterable[Any], limit: int) -> list[tuple[int, float]]:
    """See `Store.slowest`.

    Args:
        base: the submission's first jid.
        rows: (stop, start, statuses, started, runtime).
    """
    found: list[tuple[int, float]] = []
    for stop, start, statuses, started, runtime in rows:
        whole = outcomes_of(stretch.sid, start - base, stop - start, 0, statuses, (started, runtime), {})
        if whole.is_uniform:
            continue
        lo, hi = max(whole.lo, stretch.lo), min(whole.hi, stretch.hi)
        codes = whole.statuses()
        found += (
            (index, seconds)
            for index, seconds in enumerate(whole.runtime[lo - whole.lo : hi - whole.lo], lo)
            if math.isfinite(seconds) and codes[index - whole.lo] != Status.DELETED
        )
        found = heapq.nsmallest(limit, found, key=_longest_first)
    return found


def _longest_first(item: tuple[int, float]) -> tuple[float, int]:
    return -item[1], item[0]
