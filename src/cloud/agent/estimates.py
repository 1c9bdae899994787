"""How long jobs of a function take, so that a worker's queue can be measured in time (DESIGN D6)."""

from cloud.wire.ring import Records

OVERHEAD_SECONDS = 4e-6
_REMEMBERED = 1024


class Estimates:
    """Moving averages of seconds per job, by digest of the function."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def of(self, function: str) -> float | None:
        """None: nothing is known."""
        return self._seconds.get(function)

    def learn(self, function: str, records: Records, i: int, j: int) -> None:
        """From consecutive records. What lies between jobs counts as well: opening arguments can be most of it."""
        count = j - i
        last = j - 1
        began, ended = records.started[i], records.started[last] + records.runtime[last]
        if count == 1:
            seconds = records.runtime[i] + OVERHEAD_SECONDS
        else:
            seconds = max(OVERHEAD_SECONDS, (ended - began) / count)
        if not seconds >= 0:  # nan: skipped jobs
            return
        self.mix(function, seconds)

    def learn_at_least(self, function: str, seconds: float) -> None:
        """A job runs for so long already."""
        if seconds > self._seconds.get(function, 0.0):
            self.mix(function, seconds)

    def mix(self, function: str, seconds: float) -> None:
        """Half of what was known, half of this."""
        old = self._seconds.pop(function, None)
        self._seconds[function] = seconds if old is None else (old + seconds) / 2
        if len(self._seconds) > _REMEMBERED:
            del self._seconds[next(iter(self._seconds))]
