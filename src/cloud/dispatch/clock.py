"""Real time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The computer's clocks."""

    def now(self) -> datetime:
        """Aware UTC, for records."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds, for durations and deadlines."""
        return time.monotonic()
