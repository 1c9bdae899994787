"""The Clock port: time as an argument."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """Aware UTC, for records."""
        ...

    def monotonic(self) -> float:
        """Seconds, for durations and deadlines."""
        ...
