"""An event loop that stays awake for the next call, where falling asleep and being woken takes longer than that."""

import asyncio
import os
import time
from collections.abc import Callable

AWAKE_SECONDS = 400e-6
"""So long at most: a client that calls one job after another asks for the next within half of it."""
PASSED_OVER = 16
"""After one vigil for nothing so many are left out: who is awake may be in the way of those who work."""


class Wakeful:
    """Goes round the loop again and again, which looks for input each time without waiting for it.

    Args:
        loop: which is to stay awake.
        clock: seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop = loop
        self._clock = clock
        self._alone = len(os.sched_getaffinity(0)) < 2
        self._passed_over = 0
        self._until = 0.0
        self._awaits = self._goes_round = False

    def stay(self) -> None:
        """A lone call is being answered: begin when that is done."""
        if self._alone:
            return
        if self._passed_over:
            self._passed_over -= 1
            return
        self._awaits = True
        self._until = 0.0
        if not self._goes_round:
            self._goes_round = True
            self._loop.call_soon(self._look)

    def called(self) -> None:
        """The next call has come."""
        self._awaits = False

    def _look(self) -> None:
        now = self._clock()
        if self._awaits and not self._until:
            self._until = now + AWAKE_SECONDS
        self._goes_round = self._awaits and now < self._until
        if self._goes_round:
            self._loop.call_soon(self._look)
        elif self._awaits:
            self._awaits = False
            self._passed_over = PASSED_OVER
