"""Arithmetic on lists of half-open integer ranges: how sets of jids travel without a number per job."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Ranges = tuple[range, ...]
"""Ranges of step 1, in the order the caller named them; they may repeat a number."""


def pack(numbers: Iterable[int | range]) -> Ranges:
    """Integers and ranges of any step, order kept, as ranges of step 1 with neighbours joined."""
    packed: list[range] = []
    start = stop = 0
    for item in numbers:
        if isinstance(item, range):
            if item.step != 1:
                for part in pack(list(item)):
                    if part.start == stop and stop > start:
                        stop = part.stop
                    else:
                        if stop > start:
                            packed.append(range(start, stop))
                        start, stop = part.start, part.stop
                continue
            low, high = item.start, item.stop
            if low >= high:
                continue
        else:
            low, high = item, item + 1
        if low == stop and stop > start:
            stop = high
        else:
            if stop > start:
                packed.append(range(start, stop))
            start, stop = low, high
    if stop > start:
        packed.append(range(start, stop))
    return tuple(packed)


def normal(ranges: Iterable[range]) -> Ranges:
    """The same set of numbers, ascending, disjoint, neighbours joined."""
    if isinstance(ranges, tuple) and len(ranges) == 1:
        return ranges if ranges[0] else ()
    merged: list[range] = []
    for item in sorted(ranges, key=lambda r: r.start):
        if item.start >= item.stop:
            continue
        if merged and item.start <= merged[-1].stop:
            if item.stop > merged[-1].stop:
                merged[-1] = range(merged[-1].start, item.stop)
        else:
            merged.append(item)
    return tuple(merged)


def subtract(ranges: Sequence[range], taken: Sequence[range]) -> Ranges:
    """Numbers of `ranges` that are not in `taken`; order of `ranges` kept; `taken` must be `normal`."""
    left: list[range] = []
    stops = [hole.stop for hole in taken]
    for item in ranges:
        low = item.start
        for position in range(bisect_right(stops, low), len(taken)):
            hole = taken[position]
            if hole.start >= item.stop:
                break
            if hole.start > low:
                left.append(range(low, hole.start))
            low = hole.stop
        if low < item.stop:
            left.append(range(low, item.stop))
    return tuple(left)


def intersect(ranges: Sequence[range], others: Sequence[range]) -> Ranges:
    """Numbers of `ranges` that are in `others`, which must be `normal`; order of `ranges` kept."""
    return tuple(
        range(low, high)
        for item in ranges
        for other in others
        if (low := max(item.start, other.start)) < (high := min(item.stop, other.stop))
    )


def count(ranges: Iterable[range]) -> int:
    """How many numbers the ranges name, repetitions included."""
    return sum(len(r) for r in ranges)
