"""Vigil: staying awake for a record that comes in a moment, where falling asleep and being woken takes longer."""

import os
import time
from collections.abc import Mapping

from cloud.agent.worker import Worker
from cloud.wire.ring import HEAD

AWAKE_SECONDS = 250e-6
"""So long at most."""
PASSED_OVER = 16
"""After one for nothing, as on a busy machine, so many are left out: who is awake may be in a worker's way."""


class Vigil:
    """Looks into the rings again and again."""

    def __init__(self, workers: Mapping[int, Worker]) -> None:
        """`workers` by number, as they come and go."""
        self._workers = workers
        self._passed_over = 0
        self._alone = len(os.sched_getaffinity(0)) < 2

    def sees(self) -> bool:
        """Whether a record is there, or came. If not, falling asleep is as before: workers wake their agent."""
        if self._alone or self._passed_over:
            self._passed_over = max(0, self._passed_over - 1)
            return False
        busy = [(w, w.ring.words) for w in self._workers.values() if w.batches]
        until = time.monotonic() + AWAKE_SECONDS
        while True:
            for worker, words in busy:
                if worker.tail < words[HEAD]:
                    return True
            if time.monotonic() >= until:
                break
        self._passed_over = PASSED_OVER
        return False
