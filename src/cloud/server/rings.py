"""Rings of numbers: the last steps of a clock, and never more."""

from array import array

SECONDS = (1, 600)
"""Step in seconds and number of steps of the fine rings."""
MINUTES = (60, 1440)
"""The same of the coarse ones."""


class Ring:
    """Numbers of the last `length` steps. Steps that were left out hold 0, or with `level` what was set last."""

    def __init__(self, step: int, length: int, *, level: bool = False) -> None:
        self._step = step
        self._level = level
        self._numbers = array("d", bytes(8 * length))
        self._now = self._set = 0
        self._last = 0.0

    def put(self, at: float, number: float) -> None:
        """Add it to its step; of a level, keep the highest that was set in a step. Never goes back in time."""
        self._go_to(int(at) // self._step)
        place = self._now % len(self._numbers)
        if self._level:
            self._last = number
            self._numbers[place] = max(self._numbers[place], number) if self._set == self._now else number
            self._set = self._now
        else:
            self._numbers[place] += number

    def read(self, at: float, since: float = 0.0) -> list[float]:
        """The numbers up to the step of `at`, oldest first; with `since`, from the step of that time on."""
        self._go_to(int(at) // self._step)
        length = len(self._numbers)
        most = min(length, self._now - int(since) // self._step + 1)
        return [self._numbers[step % length] for step in range(self._now - most + 1, self._now + 1)]

    def _go_to(self, step: int) -> None:
        length = len(self._numbers)
        gap = min(step - self._now, length)
        for missing in range(step - gap + 1, step + 1):
            self._numbers[missing % length] = self._last
        self._now = max(self._now, step)


class Series:
    """One quantity in both resolutions."""

    def __init__(self, *, level: bool = False) -> None:
        self._rings = {steps: Ring(*steps, level=level) for steps in (SECONDS, MINUTES)}

    def put(self, at: float, number: float) -> None:
        """See `Ring.put`."""
        for ring in self._rings.values():
            ring.put(at, number)

    def read(self, steps: tuple[int, int], at: float, since: float = 0.0) -> list[float]:
        """See `Ring.read`."""
        return self._rings[steps].read(at, since)
