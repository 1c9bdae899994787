"""How many agents there are: some always, more as jobs wait, and none that cannot be started tried over and over."""

import logging
import math
import time
from collections import Counter

from cloud.engines.fleet.kinds import Kinds
from cloud.engines.fleet.lines import Line, Lines

log = logging.getLogger("Cloud.fleet")

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LATE_SECONDS = 60.0
"""An agent that an earlier server left and that does not answer for so long is given up; meanwhile none is started in
its place. It may only wait for room."""
ROOM_SECONDS = 30.0
"""An agent that has not come after so long is worth a line in the log: most likely no machine has room for it."""
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
        self.late: dict[str, tuple[Line, float]] = {}
        """Of those, the ones that an earlier server started, until when they are waited for."""
        self._doubtful: dict[str, float] = {}
        """Of those that we started, when to say that they have not come."""
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
        self._give_up(now)
        self._say_who_is_missing(now)
        starting, waiting = Counter(self._starting.values()), Counter[str]()
        for (kind, _), slots in self._backlog.items():
            waiting[kind] += slots
        for kind in self._kinds.names():
            if now < self._not_before.get(kind, 0.0):
                continue
            wanted = here[kind] + math.ceil(waiting[kind] / self._kinds.slots(kind))
            wanted = max(self._kinds.least(kind), min(wanted, self._kinds.most(kind)))
            for _ in range(wanted - here[kind] - starting[kind]):
                name = self._lines.start(self._kinds.wanted(kind))
                self._starting[name], self._doubtful[name] = kind, now + ROOM_SECONDS

    def _say_who_is_missing(self, now: float) -> None:
        missing = [name for name, at in self._doubtful.items() if now >= at]
        for name in missing:
            del self._doubtful[name]
        for kind, agents in Counter(self._starting[name] for name in missing).items():
            log.warning(
                "agents of type %s that were asked for %.0f s ago have not come: %d, each of which needs a machine "
                "with %s free", kind, ROOM_SECONDS, agents, self._kinds.needs(kind),
            )  # fmt: skip

    def expect(self, line: Line, now: float) -> None:
        """An agent of an earlier server has not answered yet: it counts as one that is being started."""
        self._starting[line.name] = line.kind
        self.late[line.name] = line, now + LATE_SECONDS

    def _give_up(self, now: float) -> None:
        for name, (line, until) in list(self.late.items()):
            if now >= until:
                log.warning("agent %s, of an earlier server, did not answer for %.0f s: given up", name, LATE_SECONDS)
                del self.late[name], self._starting[name]
                line.end()

    def joined(self, name: str) -> bool:
        """An agent is there; whether we started it."""
        kind, late = self._starting.pop(name, None), self.late.pop(name, None)
        self._doubtful.pop(name, None)
        if kind is None:
            return False
        self._failures.pop(kind, None)
        return late is None

    def failed(self, name: str, why: str, now: float) -> None:
        """One that was being started is dead, or of no use."""
        kind = self._starting.pop(name, None)
        self._doubtful.pop(name, None)
        if kind is None or self.late.pop(name, None) is not None:
            return
        self._failures[kind] += 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(10, self._failures[kind] - 1))
        self._not_before[kind] = now + pause
        log.error("an agent of type %s did not start (the next try is in %.0f s): %s", kind, pause, why)

    def next_deadline(self) -> float | None:
        """When an agent may be tried again, is given up, or is missed."""
        now = time.monotonic()
        times = [at for at in self._not_before.values() if at > now]
        times += [until for _, until in self.late.values()]
        return min([*times, *self._doubtful.values()], default=None)
