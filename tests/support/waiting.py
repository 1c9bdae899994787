"""Waiting in tests: for a condition, with a deadline that only ends a hang; never for a while."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HANG_SECONDS = 60.0
"""What works takes less, however busy the machine is."""


def eventually(condition: Callable[[], T], *, within_seconds: float = HANG_SECONDS, what: str = "") -> T:
    """The first true value of `condition`, looked at every few milliseconds.

    Raises:
        AssertionError: it stayed false for `within_seconds`; the message says `what` was waited for.
    """
    deadline = time.monotonic() + within_seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds:g} s: {what or condition}")
        pause.wait(0.005)
