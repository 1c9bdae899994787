"""How long an agent need not be heard: not as long as usual where it may be the server's or the cluster's fault."""

import time

from cloud.engines.fleet.lines import Lines

AWAY_SECONDS = 30.0
"""While the cluster is away: less than it takes an agent to kill its jobs because no server is heard."""
QUIET_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""So often is looked whether the cluster is back."""


class Patience:
    """Args:
    silent_seconds: as long as usual.
    """

    def __init__(self, lines: Lines, silent_seconds: float) -> None:
        self._lines = lines
        self._usual = silent_seconds
        self._looked_at = time.monotonic()
        self._steady_at = 0.0

    @property
    def seconds(self) -> float:
        """How long, at present."""
        return self._usual if self.is_steady else max(self._usual, AWAY_SECONDS)

    @property
    def is_steady(self) -> bool:
        """Whether the cluster is there, and has been for long enough that its agents were heard."""
        return not self._lines.trouble and time.monotonic() >= self._steady_at

    def heard_since(self) -> float:
        """Agents that were not heard since then get nothing new: where the cluster is away they may be, too."""
        return float("-inf") if self.is_steady else time.monotonic() - QUIET_SECONDS

    def look(self, now: float) -> float | None:
        """Agents are looked at. Returns when they were heard at the earliest, if it was us who were stopped: nobody
        could be heard."""
        stopped = now - self._looked_at > self._usual / 2
        self._looked_at = now
        if self._lines.trouble:
            self._steady_at = now + self._usual
        return now - self._usual / 2 if stopped else None

    def deadlines(self, heard_at: list[float]) -> list[float]:
        """When to look again, at agents that were heard then: soon enough to see that it is us who were not there."""
        times = [at + self.seconds for at in heard_at]
        if times:
            times.append(self._looked_at + self._usual / 4)
        if not self.is_steady:
            times.append(self._looked_at + LOOK_SECONDS)
        return times
