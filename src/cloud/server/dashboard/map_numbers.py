"""What a map page tells in numbers: how long jobs ran, which were slowest, which failed and how.

What has ended stays as it is, so it is read once, in slices between which other requests are served; a page that comes
before all failures were looked into tells of those that were, and how many they are.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.server.dashboard.failures import Failures, Group
from cloud.server.dashboard.histogram import Histogram, histogram
from cloud.server.dashboard.run_times import RunTimes
from cloud.server.dashboard.some_jobs import Line, line, noted_arguments

LISTED = 8
"""How many slow jobs are listed."""
GROUPS = 12
"""How many kinds of failures are listed."""
_MOST_ARGUMENTS = 100


@dataclass(slots=True)
class Numbers:
    """All of it."""

    times: Histogram | None = None
    """None: nothing ran to its end."""
    slowest: list[Line] = field(default_factory=list)
    failed: list[Line] = field(default_factory=list)
    """The first that failed."""
    groups: list[Group] = field(default_factory=list)
    """The largest first; `first` is an index."""
    other_kinds: int = 0
    """How many more groups there are."""
    others: int = 0
    """How many failures are in those."""
    of_further_kinds: int = 0
    """How many failures came when there were too many groups for another one."""
    looked_into: int = 0
    """How many failures all these are."""
    whole: bool = True
    """Whether that is all that had failed."""


class _Map:
    """What is remembered of a map."""

    def __init__(self, store: Store, submission: Submission) -> None:
        self.submission = submission
        self.times = RunTimes(store, submission)
        self.failures = Failures(store, submission)
        self.looking: asyncio.Task[bool] | None = None
        self.wanted_at = 0.0
        self.numbers: Numbers | None = None
        self.counts: dict[str, int] = {}
        self.made_at = 0.0
        self.arguments: dict[int, str] = {}


class MapNumbers:
    """Makes `Numbers`, and keeps the last ones: a map of which nothing more has ended has the same, and one that is
    under way has new ones every two seconds, however many look at it."""

    _MOST_KEPT = 32
    _FRESH_SECONDS = 2.0
    _WANTED_SECONDS = 15.0
    """When nobody has asked for so long, failures are looked into no further."""

    def __init__(
        self, store: Store, monotonic: Callable[[], float] = time.monotonic, patience_seconds: float = 0.04
    ) -> None:
        """
        Args:
            patience_seconds: so long a page waits for failures to be looked into.
        """
        self._store = store
        self._monotonic = monotonic
        self._patience_seconds = patience_seconds
        self._kept: dict[int, _Map] = {}

    async def of(self, submission: Submission, counts: dict[str, int]) -> Numbers:
        """The numbers of a map.

        Args:
            counts: its jobs by status word, as they are now.
        """
        known, now = self._find(submission, counts), self._monotonic()
        known.wanted_at = now
        over = all(Status[word.upper()].finished for word in counts)
        made = known.numbers
        if made is not None and made.whole:
            if known.counts == counts or (now < known.made_at + self._FRESH_SECONDS and not over):
                return made
        known.counts, known.made_at = counts, now
        known.numbers = await self._made(known, counts)
        return known.numbers

    def _find(self, submission: Submission, counts: dict[str, int]) -> _Map:
        known = self._kept.pop(submission.sid, None)
        if known is None or sum(counts.values()) < sum(known.counts.values()):  # some were deleted
            known = _Map(self._store, submission)
        while len(self._kept) >= self._MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[submission.sid] = known
        return known

    async def _made(self, known: _Map, counts: dict[str, int]) -> Numbers:
        numbers = Numbers()
        ended = {word: n for word, n in counts.items() if Status[word.upper()].finished}
        if not ended:
            return numbers
        sid = known.submission.sid
        for index, seconds in self._store.slowest(Stretch(sid, 0, known.submission.count), LISTED):
            (found,) = self._store.outcomes(Stretch(sid, index, index + 1))
            numbers.slowest.append(self._line(known, index, found.status_of(index), seconds))
        await asyncio.sleep(0)
        numbers.times = histogram(await known.times.sample())
        failed = sum(n for word, n in ended.items() if Status[word.upper()].failed)
        if failed:
            looked = await self._look_into_failures(known)
            self._tell_failures(known, numbers)
            numbers.whole = looked and numbers.looked_into >= failed  # it may have begun before the last of them failed
        return numbers

    def _line(self, known: _Map, index: int, status: Status, seconds: float | None) -> Line:
        noted = known.arguments.get(index)
        if noted is None:
            if len(known.arguments) >= _MOST_ARGUMENTS:
                known.arguments.clear()
            noted = known.arguments[index] = noted_arguments(self._store, known.submission, index)
        return line(known.submission, index, status.word, seconds, noted)

    async def _look_into_failures(self, known: _Map) -> bool:
        """Whether all were looked into in the time that a page waits for it."""
        looking = known.looking
        if looking is None or looking.done():
            looking = asyncio.ensure_future(known.failures.look(lambda: self._is_wanted(known)))
            looking.add_done_callback(_forgive)
            known.looking = looking
        done, _ = await asyncio.wait({looking}, timeout=self._patience_seconds)
        return looking in done and looking.result()

    def _is_wanted(self, known: _Map) -> bool:
        return self._monotonic() < known.wanted_at + self._WANTED_SECONDS

    def _tell_failures(self, known: _Map, numbers: Numbers) -> None:
        failures = known.failures
        groups = failures.groups()
        numbers.groups, others = groups[:GROUPS], groups[GROUPS:]
        numbers.other_kinds, numbers.others = len(others), sum(group.count for group in others)
        numbers.of_further_kinds, numbers.looked_into = failures.of_further_kinds, failures.looked_into
        numbers.failed = [self._line(known, one.index, one.status, one.seconds) for one in failures.first]


def _forgive(looking: "asyncio.Task[bool]") -> None:
    """What went wrong is told to who waits for it; if nobody does any more, the next one finds out."""
    if not looking.cancelled():
        looking.exception()
