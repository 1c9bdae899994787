"""Small outcome rows side by side become one: the columns, one after another."""

from array import array
from collections.abc import Sequence

from cloud.model import COLUMNS, Column, Outcomes

MOST_JOBS = 1000
"""A merged row has no more jobs than this."""
MOST_BYTES = 256 * 1024
"""A merged row has no more bytes than this."""
LARGE_ENOUGH = 256
"""A new row with this many jobs looks for no neighbours."""


def worth_merging(count: int, size_bytes: int, other_count: int, other_size_bytes: int) -> bool:
    """Whether a row of `count` jobs, being written, takes in its neighbour.

    Only a neighbour at most twice as large, so that a job is rewritten O(log n) times in all.
    """
    return other_count <= 2 * count and count + other_count <= MOST_JOBS and size_bytes + other_size_bytes <= MOST_BYTES


def merged(parts: Sequence[Outcomes]) -> Outcomes:
    """One `Outcomes` of adjacent, ascending parts with equal attempt, none of them uniform."""
    first = parts[0]
    count = sum(part.count for part in parts)
    whole = Outcomes(first.sid, first.lo, count, b"".join([part.statuses() for part in parts]), first.attempt)
    for part in parts:
        whole.started.extend(part.started)
        whole.runtime.extend(part.runtime)
        whole.blobs.update(part.blobs)
    for name in COLUMNS:
        columns: list[Column | None] = [getattr(part, name) for part in parts]
        if any(column is not None for column in columns):
            setattr(whole, name, _joined(columns, [part.count for part in parts]))
    return whole


def _joined(columns: Sequence[Column | None], counts: Sequence[int]) -> Column:
    offsets = array("Q", bytes(8))
    for column, count in zip(columns, counts, strict=True):
        end = offsets[-1]
        if column is None:
            offsets.extend([end] * count)
        else:
            offsets.extend([end + offset for offset in column.offsets[1:]])
    return Column(offsets, b"".join([column.data for column in columns if column is not None]))
