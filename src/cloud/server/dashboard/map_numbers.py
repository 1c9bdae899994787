"""What a map page tells in numbers: how long jobs ran, which were slowest, which failed and how.

Everything here reads a bounded part of a map, however long it is, in slices between which other requests are served.
"""

import asyncio
import math
import re
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cloud.dispatch.ports import Store
from cloud.model import Outcomes, Status, Stretch, Submission
from cloud.server.dashboard.histogram import Histogram, histogram
from cloud.server.dashboard.some_jobs import Line, line, noted_arguments
from cloud.wire.failure_text import raised_in

SAMPLED = 20_000
"""The most run times that a histogram is made of."""
_WINDOWS = 20
LISTED = 8
"""How many slow and failed jobs are listed."""
GROUPED = 1000
"""The most failures that are looked into to group them."""
_LOOKED_INTO_AT_ONCE = 1000
_MOST_ERROR_BYTES = 512 << 10
_STRETCHES_AT_ONCE = 16
"""After so many, other requests are served."""
_END_BYTES = 4000
_MOST_GROUPS = 12
_FAILED = frozenset(status for status in Status if status.failed)
_RAISED = re.compile(r"([A-Za-z_][\w.]*)(: .*)?")
_VARYING = re.compile(r"0x[0-9a-fA-F]+|\d+")


@dataclass(slots=True)
class Group:
    """Failures that look alike."""

    text: str
    """The exception; what differs between them is '…'."""
    count: int
    first: int
    """The first jid."""
    status: str


@dataclass(slots=True)
class Numbers:
    """All of it."""

    times: Histogram | None = None
    """None: nothing ran to its end."""
    slowest: list[Line] = field(default_factory=list)
    failed: list[Line] = field(default_factory=list)
    """The first that failed."""
    groups: list[Group] = field(default_factory=list)
    """The largest first."""
    looked_into: int = 0
    """How many failures `groups` tells of."""


class MapNumbers:
    """Makes `Numbers`, and keeps the last ones: a map of which nothing more has ended has the same, and one that is
    under way has new ones every two seconds, however many look at it."""

    _MOST_KEPT = 32
    _FRESH_SECONDS = 2.0

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._kept: dict[int, tuple[dict[Status, int], float, Numbers]] = {}

    async def of(self, submission: Submission) -> Numbers:
        """The numbers of a map."""
        ends = self._store.counts(Stretch(submission.sid, 0, submission.count))
        kept, now = self._kept.get(submission.sid), self._monotonic()
        over = sum(ends.values()) == submission.count
        if kept is not None and (kept[0] == ends or (now < kept[1] + self._FRESH_SECONDS and not over)):
            return kept[2]
        numbers = await self._made(submission, ends)
        self._kept.pop(submission.sid, None)
        while len(self._kept) >= self._MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[submission.sid] = ends, now, numbers
        return numbers

    async def _made(self, submission: Submission, ends: dict[Status, int]) -> Numbers:
        store, whole = self._store, Stretch(submission.sid, 0, submission.count)
        numbers = Numbers()
        if not ends:
            return numbers
        numbers.slowest = [
            line(
                submission,
                index,
                self._status(submission.sid, index),
                seconds,
                noted_arguments(store, submission, index),
            )
            for index, seconds in store.slowest(whole, LISTED)
        ]
        await asyncio.sleep(0)
        numbers.times = histogram(await _sample(store, submission))
        if any(status in _FAILED for status in ends):
            await self._look_into_failures(submission, numbers)
        return numbers

    def _status(self, sid: int, index: int) -> str:
        (found,) = self._store.outcomes(Stretch(sid, index, index + 1))
        return found.status_of(index).word

    async def _look_into_failures(self, submission: Submission, numbers: Numbers) -> None:
        groups: dict[tuple[str, str], Group] = {}
        at: int | None = 0
        stretches = 0
        while at is not None and numbers.looked_into < GROUPED:
            at = self._store.first_failure(Stretch(submission.sid, at, submission.count))
            if at is None:
                break
            stretch = Stretch(submission.sid, at, min(at + _LOOKED_INTO_AT_ONCE, submission.count))
            for outcomes in self._store.outcomes(stretch, columns=("error",), max_bytes=_MOST_ERROR_BYTES):
                numbers.looked_into += _group(submission, outcomes, groups)
                if len(numbers.failed) < LISTED:
                    _list_failed(self._store, submission, outcomes, numbers.failed)
                at = outcomes.hi
            stretches += 1
            if stretches % _STRETCHES_AT_ONCE == 0:  # where failures lie far apart, a turn for each would take long
                await asyncio.sleep(0)
        numbers.groups = sorted(groups.values(), key=lambda group: -group.count)[:_MOST_GROUPS]


async def _sample(store: Store, submission: Submission) -> "array[float]":
    """Run times of up to `SAMPLED` jobs, from all over the map."""
    found = array("d")
    for lo, hi in _windows(submission.count):
        for outcomes in store.outcomes(Stretch(submission.sid, lo, hi)):
            found += outcomes.runtime
        await asyncio.sleep(0)
    return array("d", [seconds for seconds in found if seconds >= 0])  # nan: it did not start


def _windows(count: int) -> Iterator[tuple[int, int]]:
    width = min(math.ceil(count / _WINDOWS), SAMPLED // _WINDOWS)
    for number in range(_WINDOWS):
        lo = number * count // _WINDOWS
        if lo < count:
            yield lo, min(lo + width, (number + 1) * count // _WINDOWS)


def _group(submission: Submission, outcomes: Outcomes, groups: dict[tuple[str, str], Group]) -> int:
    """How many failures were looked into."""
    first, looked_into = submission.jids.start, 0
    for lo, hi in outcomes.runs(_FAILED):
        step = hi - lo if outcomes.is_uniform else 1
        for index in range(lo, hi, step):
            text = bytes(outcomes.bytes_of("error", index)[-_END_BYTES:]).decode("utf-8", "replace")
            last, word = exception_of(text), outcomes.status_of(index).word
            group = groups.get((word, _VARYING.sub("…", last)))
            if group is None:
                groups[word, _VARYING.sub("…", last)] = Group(last, step, first + index, word)
            else:
                group.count += step
                if group.text != last:
                    group.text = _VARYING.sub("…", last)
            looked_into += step
    return looked_into


def _list_failed(store: Store, submission: Submission, outcomes: Outcomes, failed: list[Line]) -> None:
    for lo, hi in outcomes.runs(_FAILED):
        for index in range(lo, min(hi, lo + LISTED - len(failed))):
            seconds = outcomes.runtime[index - outcomes.lo] if outcomes.runtime else math.nan
            word = outcomes.status_of(index).word
            failed.append(
                line(
                    submission,
                    index,
                    word,
                    seconds if math.isfinite(seconds) else None,
                    noted_arguments(store, submission, index),
                )
            )


def exception_of(text: str) -> str:
    """What a traceback says was raised; of part of one, the last line that looks like it; else the first there is."""
    raised = raised_in(text)
    if raised:
        return raised[:300]
    lines = [one for one in text.splitlines() if one.strip()]
    for one in reversed(lines):
        if _RAISED.fullmatch(one):
            return one[:300]
    return lines[0].strip()[:300] if lines else "no reason is known"
