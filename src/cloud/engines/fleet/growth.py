"""How many agents there are: some always, more as jobs wait, and none that cannot be started tried over and over."""

import logging
import math
import time
from collections import Counter

from cloud.engines.fleet.kinds import Kinds
from cloud.engines.fleet.lines import Lines

log = logging.getLogger("Cloud.fleet")

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
WORTH_SECONDS = 1.0
"""Work that is done sooner than this on one slot is no reason for another agent."""


class Growth:
    """Starts agents.

    Args:
        kinds: the table of types.
    """

    def __init__(self, lines: Lines, kinds: Kinds) -> None:
        self._lines, self._kinds = lines, kinds
        self._starting: dict[str, str] = {}
        """Type by the name of the agent."""
        self._failures: Counter[str] = Counter()
        """By type, in a row."""
        self._not_before: dict[str, float] = {}
        self._backlog: dict[tuple[str, int], int] = {}
        """Slots wanted, by type and submission."""

    def want(self, kind: str, sid: int, jobs: int, cores: int, seconds: float | None) -> None:
        """So many jobs of a submission found no seat; `seconds`: how long each takes, if that is known."""
        slots = jobs * cores
        if seconds is not None:
            slots = min(slots, math.ceil(slots * seconds / WORTH_SECONDS))
        self._backlog[kind, sid] = max(slots, self._backlog.get((kind, sid), 0))

    def forget_wants(self) -> None:
        """Jobs that still wait will be offered again."""
        self._backlog.clear()

    def grow(self, here: Counter[str], now: float) -> None:
        """Start what is missing, to those that are `here`, by type."""
        starting, waiting = Counter(self._starting.values()), Counter[str]()
        for (kind, _), slots in self._backlog.items():
            waiting[kind] += slots
        for kind in self._kinds.names():
            if now < self._not_before.get(kind, 0.0):
                continue
            wanted = here[kind] + math.ceil(waiting[kind] / self._kinds.slots(kind))
            wanted = max(self._kinds.least(kind), min(wanted, self._kinds.most(kind)))
            for _ in range(wanted - here[kind] - starting[kind]):
                self._starting[self._lines.start(self._kinds.wanted(kind))] = kind

    def joined(self, name: str) -> bool:
        """An agent is there; whether we started it."""
        kind = self._starting.pop(name, None)
        if kind is None:
            return False
        self._failures.pop(kind, None)
        return True

    def failed(self, name: str, why: str, now: float) -> None:
        """One that was being started is dead, or of no use."""
        kind = self._starting.pop(name, None)
        if kind is None:
            return
        self._failures[kind] += 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(10, self._failures[kind] - 1))
        self._not_before[kind] = now + pause
        log.error("an agent of type %s did not start (the next try is in %.0f s): %s", kind, pause, why)

    def next_deadline(self) -> float | None:
        """When an agent may be tried again."""
        now = time.monotonic()
        return min((at for at in self._not_before.values() if at > now), default=None)
