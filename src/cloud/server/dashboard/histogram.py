"""Run times as bars."""

import math
from array import array
from dataclasses import dataclass

BARS = 24
_WIDE_RATIO = 20
"""From this ratio of the longest to the shortest on, bars are of equal ratios instead of equal widths."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many jobs ran between two times."""

    start: float
    stop: float
    """Seconds."""
    count: int
    height: float
    """0..1 of the highest."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars from the shortest to the longest."""

    bars: list[Bar]
    count: int
    """How many run times it is made of."""
    median: float
    most: float
    """95 % were not longer."""
    longest: float


def histogram(seconds: "array[float]") -> Histogram | None:
    """None: there are no times."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    low, high = max(ordered[0], 1e-6), max(ordered[-1], 1e-6)
    edges = _edges(low, high)
    counts = [0] * (len(edges) - 1)
    at = 0
    for value in ordered:
        while at < len(counts) - 1 and value >= edges[at + 1]:
            at += 1
        counts[at] += 1
    highest = max(counts)
    bars = [
        Bar(start, stop, count, count / highest)
        for start, stop, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return Histogram(bars, len(ordered), _quantile(ordered, 0.5), _quantile(ordered, 0.95), ordered[-1])


def _edges(low: float, high: float) -> list[float]:
    if high - low < high * 1e-6:
        return [low, high]
    if high / low >= _WIDE_RATIO:
        ratio = math.log(high / low) / BARS
        return [low * math.exp(ratio * i) for i in range(BARS + 1)]
    return [low + (high - low) * i / BARS for i in range(BARS + 1)]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
