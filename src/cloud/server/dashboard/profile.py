"""The profile of a job, as its runner left it: functions with their times, and who called whom."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from cloud.server.dashboard.places import local, whose

COLUMNS = ("calls", "own", "cumulative", "function")
"""What the table can be sorted by."""
_ROWS_MAX = 5000
_EDGES_MAX = 20_000


class Timed(NamedTuple):
    """A function; times are seconds."""

    calls: int
    primitive: int
    """Those that were not recursive."""
    own: float
    cumulative: float
    """With everything that it called."""
    function: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """'file:line'; '' for what is not written in Python."""
        return f"{local(self.file)}:{self.line}" if self.line else ""

    @property
    def whose(self) -> str:
        """See `places`."""
        return whose(self.file)


class Edge(NamedTuple):
    """What one function spent in calls of another; both are places in `Profile.rows`."""

    caller: int
    callee: int
    calls: int
    primitive: int
    own: float
    cumulative: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Rows, the longest first, and edges; none if the profile is an old one."""

    rows: list[Timed]
    edges: list[Edge]
    left_out: int
    """How many functions are missing: the quickest of very many."""

    @property
    def seconds(self) -> float:
        """All of it: the own times of all functions."""
        return sum(row.own for row in self.rows)

    def sorted_by(self, column: str) -> list[Timed]:
        """The largest first, or by name; an unknown column is the time with callees."""
        if column == "function":
            return sorted(self.rows, key=lambda row: (row.function, row.place))
        name = column if column in COLUMNS else "cumulative"
        return sorted(self.rows, key=lambda row: -float(getattr(row, name)))


def read_profile(noted: Any) -> Profile | None:
    """A profile out of what the worker process noted, which may be anything; None if there is none in it."""
    if not isinstance(noted, dict):
        return None
    try:
        rows = [_timed(row) for row in noted.get("rows", ())[:_ROWS_MAX]]
        edges = [_edge(edge, len(rows)) for edge in noted.get("edges", ())[:_EDGES_MAX]]
        return Profile(rows, edges, _count(noted.get("left_out", 0))) if rows else None
    except (TypeError, ValueError):
        return None


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError
    return value


def _timed(noted: Any) -> Timed:
    file, line, name, calls, primitive, own, cumulative = noted
    if not math.isfinite(own + cumulative):
        raise ValueError
    return Timed(_count(calls), _count(primitive), float(own), float(cumulative), str(name), str(file), _count(line))


def _edge(noted: Any, rows: int) -> Edge:
    caller, callee, calls, primitive, own, cumulative = noted
    if not (type(caller) is type(callee) is int and 0 <= caller < rows and 0 <= callee < rows):
        raise ValueError
    if not math.isfinite(own + cumulative):
        raise ValueError
    return Edge(caller, callee, _count(calls), _count(primitive), own, cumulative)
