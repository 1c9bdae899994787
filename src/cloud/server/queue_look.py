"""How many jobs wait, counted the more seldom the longer counting takes."""

import time
from collections.abc import Callable

from cloud.dispatch.ports import Store

SHARE = 20
"""A look at the queue that took a millisecond is not repeated for so many."""


class QueueLook:
    """As `Store.backlog`, for those who ask again and again."""

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._due = float("-inf")
        self._found: list[tuple[int, int, int]] = []

    def read(self, *, fresh: bool = True) -> list[tuple[int, int, int]]:
        """(account, waiting, queued) of each account that has any; without `fresh`, as counted last."""
        began = self._monotonic()
        if fresh and began >= self._due:
            self._found = self._store.backlog()
            ended = self._monotonic()
            self._due = ended + SHARE * (ended - began)
        return self._found
