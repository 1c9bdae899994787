"""Which jobs a button means: of the rows that were picked, or of everything found."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.model.ranges import normal
from cloud.server.dashboard.search import GROUPS, Search, Wanted, statuses_of

MOST_SUBMISSIONS = 5000
"""The most submissions that one button changes."""
SLICE = 20_000
"""Jobs whose statuses are read at a time."""
_NAMED = 5
MEANT = {"kill": GROUPS["unfinished"], "delete": GROUPS["finished"], "rerun": GROUPS["finished"]}
"""To which jobs a change can happen at all."""


@dataclass(slots=True)
class Chosen:
    """Jobs to which something is to happen."""

    jids: list[range] = field(default_factory=list)
    submissions: int = 0
    functions: list[str] = field(default_factory=list)
    """Names of some of the functions, for people."""
    cut: bool = False
    """There were more than `MOST_SUBMISSIONS`."""

    @property
    def count(self) -> int:
        """How many jobs."""
        return sum(len(item) for item in self.jids)

    def add(self, submission: Submission, jids: Sequence[range]) -> None:
        """Some jobs of a submission."""
        if jids:
            self.jids += jids
            self.submissions += 1
            name = submission.spec.function_name
            if len(self.functions) < _NAMED and name not in self.functions:
                self.functions.append(name)


async def choose(store: Store, submissions: AsyncIterator[Submission], wanted: frozenset[Status]) -> Chosen:
    """The jobs of these submissions that have one of the wanted statuses."""
    chosen = Chosen()
    async for submission in submissions:
        if chosen.submissions == MOST_SUBMISSIONS:
            chosen.cut = True
            break
        chosen.add(submission, await jids_with(store, submission, wanted))
    return chosen


async def found(store: Store, account: int, wanted: Wanted) -> AsyncIterator[Submission]:
    """Everything that is found, on all pages."""
    async for submission in Search(store, account, wanted, most=None):
        yield submission


async def picked(store: Store, account: int, sids: Sequence[int]) -> AsyncIterator[Submission]:
    """Those of these submissions that exist and are the account's."""
    for sid in dict.fromkeys(sids):
        submission = store.submission(sid)
        if submission is not None and submission.account == account and submission.count:
            yield submission


async def jids_with(store: Store, submission: Submission, wanted: frozenset[Status]) -> list[range]:
    """Jids of its jobs that have one of the wanted statuses, in ranges that do not overlap."""
    whole = Stretch(submission.sid, 0, submission.count)
    ends = store.counts(whole)
    await asyncio.sleep(0)
    if sum(ends.get(status, 0) for status in wanted) == submission.count:
        return [submission.jids]
    first, found = submission.jids.start, _Joined()
    if wanted & {Status.QUEUED, Status.WAITING}:
        ready = {status is Status.QUEUED for status in wanted & {Status.QUEUED, Status.WAITING}}
        found.add((first + item.lo, first + item.hi) for item in store.pending(whole) if item.ready in ready)
    if Status.PROCESSING in wanted:
        found.add((first + item.lo, first + item.hi) for item in store.claims(whole))
    found.ranges = list(normal(found.ranges))
    if any(ends.get(status) for status in wanted):
        letters = re.compile(b"[" + b"".join(b"\\x%02x" % status for status in sorted(wanted)) + b"]+")
        for lo in range(0, submission.count, SLICE):
            for outcomes in store.outcomes(Stretch(submission.sid, lo, min(lo + SLICE, submission.count))):
                base = first + outcomes.lo
                found.add((base + m.start(), base + m.end()) for m in letters.finditer(outcomes.statuses()))
            await asyncio.sleep(0)
    return found.ranges


class _Joined:
    """Ranges of jobs; one that begins where the last ended is joined to it."""

    def __init__(self) -> None:
        self.ranges: list[range] = []

    def add(self, spans: Iterable[tuple[int, int]]) -> None:
        for lo, hi in spans:
            joins = bool(self.ranges) and self.ranges[-1].stop == lo
            self.ranges.append(range(self.ranges.pop().start if joins else lo, hi))


def meant(change: str, only: str) -> frozenset[Status]:
    """The statuses of jobs to which a change is to happen: those to which it can, narrowed by a word of the search."""
    return MEANT[change] & statuses_of(only)
