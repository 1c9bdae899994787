"""Very many parts of one submission, as of every second job of a map: looked at together, not one by one."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from cloud.dispatch.naming import Named
from cloud.dispatch.ports import Store
from cloud.model import Outcomes, Stretch

MANY = 64
"""From so many parts on, a question about all of them is cheaper."""
_DENSE = 4
"""Outcomes are read together where no more than so many times as many jobs lie between the first and the last part."""
_READ_AT_ONCE = 256
_MOST_MISSES = 16


class Pieces:
    """Parts of a submission, ascending and disjoint."""

    def __init__(self, store: Store, parts: Sequence[Named]) -> None:
        self._store = store
        self._starts = [n.stretch.lo for n in parts]
        self._stops = [n.stretch.hi for n in parts]
        self.span = Stretch(parts[0].stretch.sid, self._starts[0], self._stops[-1])

    def any_open(self) -> bool:
        """Whether one of their jobs is not finished."""
        places = [(p.lo, p.hi) for p in self._store.pending(self.span)]
        places += [(claim.lo, claim.hi) for claim in self._store.claims(self.span)]
        return any(self._meet(lo, hi) for lo, hi in places)

    def any_failed(self) -> bool:
        """Whether one of their jobs is known to have failed. Where very many others did, perhaps not yet."""
        lo, hi = self.span.lo, self.span.hi
        for _ in range(_MOST_MISSES):
            index = self._store.first_failure(Stretch(self.span.sid, lo, hi)) if lo < hi else None
            if index is None:
                return False
            if self._meet(index, index + 1):
                return True
            lo = index + 1
        return False

    def _meet(self, lo: int, hi: int) -> bool:
        behind = bisect_left(self._starts, hi)
        return behind > 0 and self._stops[behind - 1] > lo


def in_groups(found: Sequence[Named]) -> list[list[Named]]:
    """What is named, in its order, by submission."""
    return [list(those) for _, those in groupby(found, key=lambda named: named.stretch.sid)]


def are_many(parts: Sequence[Named]) -> bool:
    """Whether these, of one submission, are so many and ascend."""
    return len(parts) >= MANY and all(before.stretch.hi <= after.stretch.lo for before, after in pairwise(parts))


def outcomes_of(
    store: Store, parts: Sequence[Named], columns: Sequence[str], max_bytes: int
) -> Iterator[tuple[Named, Outcomes]]:
    """Outcomes of jobs in these parts of one submission, in their order; `max_bytes` of each is for the reader to add
    up: nothing is read far ahead of it."""
    if not are_many(parts):
        for named in parts:
            for outcomes in store.outcomes(named.stretch, columns=columns, max_bytes=max_bytes):
                yield named, outcomes
        return
    for at in range(0, len(parts), _READ_AT_ONCE):
        some = parts[at : at + _READ_AT_ONCE]
        lo, hi = some[0].stretch.lo, some[-1].stretch.hi
        if hi - lo > _DENSE * sum(len(named.stretch) for named in some):
            for named in some:
                for outcomes in store.outcomes(named.stretch, columns=columns, max_bytes=max_bytes):
                    yield named, outcomes
            continue
        left = list(reversed(some))
        for row in store.outcomes(Stretch(some[0].stretch.sid, lo, hi), columns=columns):
            while left and left[-1].stretch.lo < row.hi:
                named = left[-1]
                cut = max(named.stretch.lo, row.lo), min(named.stretch.hi, row.hi)
                if cut[0] < cut[1]:
                    yield named, row.slice(*cut)
                if named.stretch.hi > row.hi:
                    break
                left.pop()
