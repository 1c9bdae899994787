"""What takes long to find out, found out the more seldom the longer it takes."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")
SHARE = 20
"""What took a millisecond is not found out again for so many."""


class Seldom(Generic[A]):
    """For what many ask again and again, and what holds up the event loop meanwhile.

    Args:
        find: finds it out.
    """

    def __init__(self, find: Callable[[], A], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._monotonic = monotonic
        self._due = float("-inf")
        self.known: A | None = None
        """As found out last."""

    def read(self) -> A:
        """As found out last, which may be now."""
        began = self._monotonic()
        if self.known is None or began >= self._due:
            self.known = self._find()
            ended = self._monotonic()
            self._due = ended + SHARE * (ended - began)
        return self.known
