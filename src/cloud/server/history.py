"""What went on lately, in rings that never grow: a number a second for ten minutes, and one a minute for a day."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cloud.server.rings import Series

MOST_ACCOUNTS = 32
MOST_NAMES = 8
"""How many functions, and how many labels, of an account have numbers of their own."""


@dataclass(slots=True)
class Tally:
    """Jobs that ended, since the last sample or in a span."""

    done: int = 0
    error: int = 0
    killed: int = 0
    seconds: float = 0.0
    """Their run times together."""

    @property
    def all(self) -> int:
        """However they ended."""
        return self.done + self.error + self.killed


class Ended:
    """Series of one function, one label, or all of an account."""

    def __init__(self) -> None:
        self.done, self.error, self.killed, self.seconds = Series(), Series(), Series(), Series()
        self.at = 0.0
        """When something ended last."""

    def put(self, at: float, tally: Tally) -> None:
        """Add what ended."""
        self.at = at
        for name in ("done", "error", "killed", "seconds"):
            if number := getattr(tally, name):
                getattr(self, name).put(at, number)

    def total(self, steps: tuple[int, int], at: float) -> Tally:
        """All that ended in the span of these steps."""
        done, error, killed = (int(sum(s.read(steps, at))) for s in (self.done, self.error, self.killed))
        return Tally(done, error, killed, sum(self.seconds.read(steps, at)))

    def jobs(self, steps: tuple[int, int], at: float, since: float) -> list[float]:
        """However they ended."""
        rows = (s.read(steps, at, since) for s in (self.done, self.error, self.killed))
        return [sum(numbers) for numbers in zip(*rows, strict=True)]


class Names:
    """The functions, or labels, that ended jobs last: when there are too many, the one that was silent longest goes."""

    def __init__(self) -> None:
        self.known: dict[str, Ended] = {}

    def put(self, name: str, at: float, tally: Tally) -> None:
        """Add what ended under a name."""
        found = self.known.get(name)
        if found is None:
            if len(self.known) >= MOST_NAMES:
                del self.known[min(self.known, key=lambda other: self.known[other].at)]
            found = self.known[name] = Ended()
        found.put(at, tally)

    def totals(self, steps: tuple[int, int], at: float) -> list[tuple[str, Tally]]:
        """Those with jobs in the span, the most first."""
        found = [(name, ended.total(steps, at)) for name, ended in self.known.items()]
        return sorted(((n, t) for n, t in found if t.all), key=lambda item: (-item[1].all, item[0]))


class Queues:
    """Jobs under way by function or label: a level for each name that has some, or had some lately."""

    def __init__(self) -> None:
        self.known: dict[str, Series] = {}
        self._now: dict[str, int] = {}

    def put(self, at: float, jobs: Mapping[str, int]) -> None:
        """So many under each name; names that are not in it have none. There is room for the largest only."""
        self._now = {}
        for name in sorted(jobs, key=lambda name: -jobs[name])[:MOST_NAMES]:
            self._now[name] = jobs[name]
        for name in [name for name in self.known if name not in self._now]:
            if len(self.known.keys() | self._now.keys()) > MOST_NAMES:
                del self.known[name]
        for name in self.known.keys() | self._now.keys():
            series = self.known.setdefault(name, Series(level=True))
            series.put(at, self._now.get(name, 0))


@dataclass(slots=True)
class Levels:
    """Jobs of an account that are not finished."""

    waiting: int = 0
    queued: int = 0
    processing: int = 0
    functions: dict[str, int] = field(default_factory=dict)
    """All of them by function, as far as is known."""
    labels: dict[str, int] = field(default_factory=dict)


@dataclass
class Past:
    """Of one account."""

    ended: Ended = field(default_factory=Ended)
    functions: Names = field(default_factory=Names)
    labels: Names = field(default_factory=Names)
    queued_functions: Queues = field(default_factory=Queues)
    queued_labels: Queues = field(default_factory=Queues)
    waiting: Series = field(default_factory=lambda: Series(level=True))
    queued: Series = field(default_factory=lambda: Series(level=True))
    processing: Series = field(default_factory=lambda: Series(level=True))
    levels: Levels = field(default_factory=Levels)
    at: float = 0.0
    """When something was put last."""


class History:
    """Of all accounts, and of the machine's workers. In memory: a server that starts begins afresh."""

    def __init__(self) -> None:
        self.accounts: dict[int, Past] = {}
        self.began = 0.0
        """When the first numbers came."""
        self.freshen: Callable[[], object] = lambda: None
        """Call it before reading: it brings the history up to now."""
        self.slots, self.workers, self.busy = Series(level=True), Series(level=True), Series(level=True)

    def of(self, account: int) -> Past:
        """The past of an account; of too many accounts, the one that was silent longest is forgotten."""
        past = self.accounts.get(account)
        if past is None:
            if len(self.accounts) >= MOST_ACCOUNTS:
                del self.accounts[min(self.accounts, key=lambda other: self.accounts[other].at)]
            past = self.accounts[account] = Past()
        return past

    def put_ended(self, at: float, account: int, function: str, label: str | None, tally: Tally) -> None:
        """Jobs ended."""
        past = self.of(account)
        past.at = at
        past.ended.put(at, tally)
        past.functions.put(function, at, tally)
        if label:
            past.labels.put(label, at, tally)

    def put_levels(self, at: float, account: int, levels: Levels) -> None:
        """So many are not finished."""
        past = self.of(account)
        past.at = at
        past.levels = levels
        past.waiting.put(at, levels.waiting)
        past.queued.put(at, levels.queued)
        past.processing.put(at, levels.processing)
        past.queued_functions.put(at, levels.functions)
        past.queued_labels.put(at, levels.labels)

    def put_crew(self, at: float, numbers: Iterable[int]) -> None:
        """Slots, workers and busy workers."""
        self.began = self.began or at
        for series, number in zip((self.slots, self.workers, self.busy), numbers, strict=True):
            series.put(at, number)
