"""A higher recursion limit for a while: it is the whole process's, so those who want it at the same time share it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DEEPER_LIMIT = 3000
"""For the quick pickler, which needs about a kilobyte of the C stack for each level (SPEC D.1)."""

_lock = threading.Lock()
_wanted: list[int] = []
_before = 0


@contextmanager
def recursion_limit(limit: int) -> Iterator[None]:
    """At least this limit inside; the old one again when the last has left."""
    global _before
    with _lock:
        if not _wanted:
            _before = sys.getrecursionlimit()
        _wanted.append(limit)
        sys.setrecursionlimit(max(_before, *_wanted))
    try:
        yield
    finally:
        with _lock:
            _wanted.remove(limit)
            try:
                sys.setrecursionlimit(max([_before, *_wanted]))
            except RecursionError:  # we are deeper already than the old limit allows: our caller's business, later
                pass
