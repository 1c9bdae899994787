"""Outcomes that came with the receipt of their job: asked for in a moment, once, as a synchronous call does."""

import time

from cloud.api import Ended
from cloud.model import Ranges

KEPT_SECONDS = 1.0
"""So long they stand for what the server would say; a job can be deleted by somebody else."""
_MOST = 64


class Fresh:
    """The last few, each given out once. Safe to use from several threads."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[float, Ended]] = {}

    def put(self, ended: Ended) -> None:
        """Of one job."""
        if len(self._held) >= _MOST:
            self._held.clear()
        self._held[ended.jid] = time.monotonic(), ended

    def take(self, jids: Ranges) -> Ended | None:
        """The outcome of the one job that is asked for, if it is here."""
        if not self._held or len(jids) != 1 or len(jids[0]) != 1:
            return None
        at, ended = self._held.pop(jids[0].start, (0.0, None))
        return ended if time.monotonic() - at < KEPT_SECONDS else None

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
