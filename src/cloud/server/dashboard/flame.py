"""A flame graph out of call edges.

`cProfile` does not keep stacks: it keeps, for each pair of caller and callee, the time that was spent. So the first two
levels are exact, and below them a function's time is shared among its callees as it was on the whole, whoever called
it. A recursive call is part of the frame that it returns to.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.server.dashboard.profile import Edge, Profile

MOST_FRAMES = 800
DEEPEST = 80
NARROWEST = 0.001
"""Narrower frames, as a part of everything, are left out."""


@dataclass(slots=True)
class Frame:
    """A function on a stack."""

    row: int
    """Its place in the profile's rows."""
    seconds: float
    depth: int
    parent: "Frame | None" = None
    left: float = 0.0
    """Seconds from the left edge."""
    below: list["Frame"] = field(default_factory=list)

    @property
    def own(self) -> float:
        """Seconds that no frame below it has."""
        return max(0.0, self.seconds - sum(frame.seconds for frame in self.below))

    def stack(self) -> list[int]:
        """Rows from the outermost to this."""
        rows, frame = [], self
        while True:
            rows.append(frame.row)
            if frame.parent is None:
                return rows[::-1]
            frame = frame.parent


def frames_of(profile: Profile) -> list[Frame]:
    """All frames, each before those below it, from left to right; the widest if there are too many."""
    called: dict[int, list[Edge]] = defaultdict(list)
    for edge in profile.edges:
        called[edge.caller].append(edge)
    roots = [Frame(row, profile.rows[row].cumulative, 0) for row in _outermost(profile, called)]
    narrowest = NARROWEST * sum(root.seconds for root in roots)
    kept: list[Frame] = []
    waiting = [(-root.seconds, at, root) for at, root in enumerate(roots) if root.seconds > narrowest]
    heapq.heapify(waiting)
    number = len(roots)
    while waiting and len(kept) < MOST_FRAMES:
        _, _, frame = heapq.heappop(waiting)
        kept.append(frame)
        if frame.parent is not None:
            frame.parent.below.append(frame)
        for below in _callees(frame, called.get(frame.row, []), profile, narrowest):
            heapq.heappush(waiting, (-below.seconds, number, below))
            number += 1
    return list(_from_left_to_right([frame for frame in kept if frame.parent is None]))


def _outermost(profile: Profile, called: dict[int, list[Edge]]) -> list[int]:
    """Functions that nobody called; and of rings in which all call each other, the longest one."""
    has_caller = {edge.callee for edge in profile.edges if edge.caller != edge.callee}
    found = [row for row in range(len(profile.rows)) if row not in has_caller]
    seen: set[int] = set()
    _walk(found, called, seen)
    for row in sorted(range(len(profile.rows)), key=lambda row: -profile.rows[row].cumulative):
        if row not in seen:
            found.append(row)
            _walk([row], called, seen)
    return found


def _walk(rows: Iterable[int], called: dict[int, list[Edge]], seen: set[int]) -> None:
    waiting = list(rows)
    while waiting:
        row = waiting.pop()
        if row not in seen:
            seen.add(row)
            waiting += [edge.callee for edge in called.get(row, ())]


def _callees(frame: Frame, edges: list[Edge], profile: Profile, narrowest: float) -> list[Frame]:
    whole = profile.rows[frame.row].cumulative
    if frame.depth + 1 >= DEEPEST or whole <= 0 or not edges:
        return []
    above = set(frame.stack())
    taken = [(edge.callee, edge.cumulative * frame.seconds / whole) for edge in edges if edge.callee not in above]
    together = sum(seconds for _, seconds in taken)
    part = frame.seconds / together if together > frame.seconds else 1.0
    return [Frame(row, seconds * part, frame.depth + 1, frame) for row, seconds in taken if seconds * part > narrowest]


def _from_left_to_right(roots: list[Frame]) -> Iterable[Frame]:
    left = 0.0
    waiting: list[Frame] = []
    for root in sorted(roots, key=lambda frame: -frame.seconds):
        root.left = left
        left += root.seconds
        waiting.append(root)
    waiting.reverse()
    while waiting:
        frame = waiting.pop()
        yield frame
        left = frame.left
        for below in sorted(frame.below, key=lambda found: -found.seconds):
            below.left = left
            left += below.seconds
        waiting += sorted(frame.below, key=lambda found: -found.left)
