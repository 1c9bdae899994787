"""The failures of a map by what was raised: all of them, each looked into once."""

import asyncio
import math
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cloud.dispatch.ports import Store
from cloud.model import Outcomes, Status, Stretch, Submission
from cloud.model.ranges import subtract
from cloud.wire.failure_text import raised_in

FIRST = 8
"""So many of the first failures are told one by one."""
MOST_KINDS = 500
"""Failures of further kinds are counted, but not apart."""
_ROWS_AT_ONCE = 1000
_JOBS_AT_ONCE = 1000
_SHORT_SECONDS = 0.001
_END_BYTES = 4000
_MOST_SHAPES = 4096
_MOST_READS = 5000
"""Where what was raised is only found by reading the text, numbers that are the same in so many count as different."""
_FAILED = frozenset(status for status in Status if status.failed)
_RAISED = re.compile(r"([A-Za-z_][\w.]*)(: .*)?")
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)*(?:e[-+]?\d+)?")
_ADDRESS = re.compile(rb"0x[0-9a-fA-F]+")
_ALL_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)


class Group:
    """Failures that look alike.

    Args:
        raised: the exception of one of them.
        first: its index.
    """

    __slots__ = ("_numbers", "_said", "_words", "count", "first", "reads", "status")

    def __init__(self, raised: str, first: int, status: Status) -> None:
        self.count = self.reads = 0
        self.first = first
        """The lowest index."""
        self.status = status
        self._words = _NUMBER.split(raised)
        self._numbers: list[str | None] = list(_NUMBER.findall(raised))
        """Between the words; None for those that differ."""
        self._said = raised.encode()
        """What was taken in last."""

    @property
    def text(self) -> str:
        """The exception; numbers that differ are '…'."""
        numbers = ["…" if number is None else number for number in self._numbers]
        return "".join(word + number for word, number in zip(self._words, [*numbers, ""], strict=True))

    @property
    def settled(self) -> bool:
        """Whether no number is left that is the same in all."""
        return not any(self._numbers)

    def take_in(self, raised: bytes) -> None:
        """Another one's exception, which has the same words."""
        if raised != self._said:
            self._said = raised
            found = _NUMBER.findall(raised.decode("utf-8", "replace"))
            if len(found) != len(self._numbers):
                self.settle()
            else:
                self._numbers = [
                    mine if mine == other else None for mine, other in zip(self._numbers, found, strict=True)
                ]

    def settle(self) -> None:
        """Nobody looks any more which numbers differ."""
        self._numbers = [None] * len(self._numbers)


@dataclass(frozen=True, slots=True)
class Failed:
    """One failure."""

    index: int
    status: Status
    seconds: float | None
    """None: it did not run."""


class Failures:
    """What is known of a map's failures by now. Nothing of it becomes wrong but by the deletion of jobs."""

    def __init__(self, store: Store, submission: Submission) -> None:
        self._store = store
        self._sid, self._count = submission.sid, submission.count
        self._groups: dict[tuple[Status, str], Group] = {}
        self._shapes: dict[int, tuple[Group, slice | None]] = {}
        """By hash, of texts that differ in digits alone: their group, and where in the text is what was raised."""
        self._seen: list[range] = []
        """Indices of jobs that were looked at; ascending, apart from each other."""
        self.looked_into = 0
        """How many."""
        self.of_further_kinds = 0
        """How many of them are in none of the groups."""
        self.first: list[Failed] = []

    def groups(self) -> list[Group]:
        """The largest first."""
        return sorted(self._groups.values(), key=lambda group: (-group.count, group.first))

    async def look(self, wanted: Callable[[], bool]) -> bool:
        """Look into what failed and was not looked into, as long as somebody wants that; others get as much time.

        Returns:
            Whether all is looked into.
        """
        at = 0
        while True:
            began = time.perf_counter()
            rows = self._store.failed_rows(Stretch(self._sid, at, self._count), _ROWS_AT_ONCE)
            for stretch in _portions(self._sid, subtract(rows, self._seen)):
                for outcomes in self._store.outcomes(stretch, columns=("error",)):
                    self._take_in(outcomes)
                self._saw(stretch.lo, stretch.hi)
                took = time.perf_counter() - began
                await asyncio.sleep(took if took > _SHORT_SECONDS else 0)
                began = time.perf_counter()
                if not wanted():
                    return False
            if len(rows) < _ROWS_AT_ONCE:
                return True
            at = rows[-1].stop
            await asyncio.sleep(0)

    def _saw(self, lo: int, hi: int) -> None:
        at = bisect_left(self._seen, lo, key=lambda known: known.stop)
        end = at
        while end < len(self._seen) and self._seen[end].start <= hi:
            lo, hi = min(lo, self._seen[end].start), max(hi, self._seen[end].stop)
            end += 1
        self._seen[at:end] = [range(lo, hi)]

    def _take_in(self, outcomes: Outcomes) -> None:
        for lo, hi in outcomes.runs(_FAILED):
            self._list(outcomes, lo, hi)
            self.looked_into += hi - lo
            step = hi - lo if outcomes.is_uniform else 1
            for index in range(lo, hi, step):
                end = bytes(outcomes.bytes_of("error", index)[-_END_BYTES:])
                group = self._group_of(outcomes.status_of(index), end, index)
                if group is None:
                    self.of_further_kinds += step
                else:
                    group.count += step
                    group.first = min(group.first, index)

    def _list(self, outcomes: Outcomes, lo: int, hi: int) -> None:
        if len(self.first) == FIRST and self.first[-1].index < lo:
            return
        for index in range(lo, min(hi, lo + FIRST)):
            seconds = outcomes.runtime[index - outcomes.lo] if outcomes.runtime else math.nan
            known = seconds if math.isfinite(seconds) else None
            self.first.append(Failed(index, outcomes.status_of(index), known))
        self.first = sorted(self.first, key=lambda failed: failed.index)[:FIRST]

    def _group_of(self, status: Status, end: bytes, index: int) -> Group | None:
        """None: it is of a kind that is not counted apart."""
        plain = _ADDRESS.sub(b"0x", end) if b"0x" in end else end
        shape = hash((status, plain.translate(_ALL_DIGITS_ALIKE)))
        known = self._shapes.get(shape)
        if known is not None:
            group, place = known
            if place is not None and not group.settled:
                group.take_in(end[place])
            if place is not None or group.settled:
                return group
        raised = exception_of(end.decode("utf-8", "replace"))
        kind = status, _NUMBER.sub("…", raised)
        found = self._groups.get(kind)
        if found is None:
            if len(self._groups) >= MOST_KINDS:
                return None
            found = self._groups[kind] = Group(raised, index, status)
        found.take_in(raised.encode())
        found.reads += 1
        if found.reads > _MOST_READS:
            found.settle()
        if len(self._shapes) >= _MOST_SHAPES:
            self._shapes.clear()
        self._shapes[shape] = found, _place_of(raised.encode(), end)
        return found


def _portions(sid: int, parts: Iterable[range]) -> Iterator[Stretch]:
    """Ascending parts of rows; several that touch are read together, as long as they are small."""
    lo = hi = 0
    for part in parts:
        if part.start != hi or part.stop - lo > _JOBS_AT_ONCE:
            if lo < hi:
                yield Stretch(sid, lo, hi)
            lo = part.start
        hi = part.stop
    if lo < hi:
        yield Stretch(sid, lo, hi)


def _place_of(raised: bytes, end: bytes) -> slice | None:
    """Where it is, counted from the end: before it may be addresses, which are not all of one length."""
    at = end.rfind(raised)
    if at < 0 or b"0x" in end[at:]:
        return None
    return slice(at - len(end), at + len(raised) - len(end) or None)


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
