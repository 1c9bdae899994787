"""Outcomes as rows of the `outcomes` table, and back."""

from array import array
from collections.abc import Mapping, Sequence
from math import isnan
from operator import add
from typing import Any

from cloud.model import Column, Outcomes, Status

STORED = {
    "error": "errors", "exception": "exceptions", "extra": "extras", "result": "results",
    "stdout": "stdouts", "stderr": "stderrs",
}  # fmt: skip
"""The byte columns of `Outcomes` and what the table calls them, small ones first, in the table's order."""

_DONE, _ERROR, _KILLED, _STALLED = (bytes([s]) for s in (Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED))


def row_of(outcomes: Outcomes, base: int, ended: int) -> tuple[Any, ...]:
    """The row of outcomes whose submission begins at jid `base`.

    Args:
        ended: microseconds; counts where the outcomes themselves hold no later time.
    """
    count, status = outcomes.count, outcomes.status
    if status.count(status[:1]) == len(status):
        status = status[:1]
    times: tuple[bytes | None, bytes | None] = (None, None)
    slowest = None
    size_bytes = len(status)
    if not outcomes.is_uniform:
        times = outcomes.started.tobytes(), outcomes.runtime.tobytes()
        size_bytes += 16 * count
        if count == 1:
            slowest, last = _number(outcomes.runtime[0]), _number(outcomes.started[0] + outcomes.runtime[0])
        else:
            slowest = _greatest(outcomes.runtime)
            last = _greatest(list(map(add, outcomes.started, outcomes.runtime)))
        ended = max(ended, int(last * 1e6)) if last is not None else ended
    columns = []
    for name in STORED:
        column: Column | None = getattr(outcomes, name)
        packed = None if column is None else b"".join((column.offsets, column.data))
        columns.append(packed)
        if packed is not None:
            size_bytes += len(packed)
    if status == _DONE:
        counts = count, 0, 0, 0
    else:
        each = count if len(status) == 1 else 1
        done, error, killed = status.count(_DONE), status.count(_ERROR), status.count(_KILLED)
        counts = done * each, error * each, killed * each, status.count(_STALLED) * each
    return (
        base + outcomes.hi, base + outcomes.lo, outcomes.sid, outcomes.attempt, *counts,
        slowest, ended, size_bytes, len(outcomes.blobs), status, *times, *columns,
    )  # fmt: skip


def outcomes_of(
    sid: int, lo: int, count: int, attempt: int, status: bytes, times: Sequence[bytes | None],
    columns: Mapping[str, bytes | None],
) -> Outcomes:  # fmt: skip
    """The reverse of `row_of`, without blobs; only the named columns."""
    outcomes = Outcomes(sid, lo, count, status, attempt)
    started, runtime = times
    entries = 1
    if started is not None and runtime is not None:
        outcomes.started.frombytes(started)
        outcomes.runtime.frombytes(runtime)
        if len(status) != count:
            outcomes.status = status * count
        entries = count
    for name, packed in columns.items():
        if packed is not None:
            setattr(outcomes, name, _column(packed, entries))
    return outcomes


def _column(packed: bytes, entries: int) -> Column:
    end = 8 * (entries + 1)
    offsets = array("Q", packed[:end])
    return Column(offsets, memoryview(packed)[end:])


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _greatest(values: "Sequence[float]") -> float | None:
    greatest = max(values)
    if not isnan(greatest):
        return greatest
    # nan, because the first is: comparisons with it are all false.
    return max((v for v in values if not isnan(v)), default=None)
