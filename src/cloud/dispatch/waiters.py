"""Who wants to know when something happens to a submission, or when a job says something."""

from collections import defaultdict
from collections.abc import Callable, Iterable

About = int | tuple[int, int]
"""A submission's sid: what its commits change; or (sid, index): what this job, which runs, says."""


class Waiter:
    """One interest in some submissions; `wake` is called after each commit that touches one, until it is removed.
    In the same way, an interest in what a job says.

    `wake` runs in the thread that committed, under the core's lock, and must not block.
    """

    __slots__ = ("sids", "wake")

    def __init__(self, sids: Iterable[About], wake: Callable[[], object]) -> None:
        self.sids = frozenset(sids)
        self.wake = wake


class Waiters:
    """All waiters, by what they wait for."""

    def __init__(self) -> None:
        self._by_sid: defaultdict[About, set[Waiter]] = defaultdict(set)

    def add(self, waiter: Waiter) -> None:
        """From now on it is woken."""
        for sid in waiter.sids:
            self._by_sid[sid].add(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Never wake it again; removing twice is harmless."""
        for sid in waiter.sids:
            those = self._by_sid.get(sid)
            if those is not None:
                those.discard(waiter)
                if not those:
                    del self._by_sid[sid]

    def notify(self, sids: Iterable[About]) -> None:
        """Wake each waiter of any of these once."""
        if not self._by_sid:
            return
        woken: set[Waiter] = set()
        for sid in sids:
            woken |= self._by_sid.get(sid, set())
        for waiter in woken:
            waiter.wake()

    def wake_all(self) -> None:
        """Wake everybody once."""
        self.notify(list(self._by_sid))

    def __len__(self) -> int:
        return len({w for those in self._by_sid.values() for w in those})
