"""Jobs, durations and numbers in sentences for people."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from cloud.model import Spec, Status

FEW = 3
"""So many things are named; of more, how many there are."""


def listed(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def jobs_named(ranges: Sequence[range]) -> str:
    """'job 17', 'jobs 3..9 and 15', 'jobs 1, 3, 5 and 1,200 others'."""
    names = [str(r.start) if len(r) == 1 else f"{r.start}..{r.stop - 1}" for r in ranges[:FEW]]
    others = sum(map(len, ranges[FEW:]))
    if others:
        names.append(f"{others:,} other{'s' if others > 1 else ''}")
    return f"job{'s' if sum(map(len, ranges)) > 1 else ''} {listed(names)}"


def number_of(jobs: int) -> str:
    """'1 job', '2,000 jobs'."""
    return f"{jobs:,} job{'' if jobs == 1 else 's'}"


def by_status(counts: Counter[Status]) -> str:
    """'4 queued and 2 processing'."""
    return listed([f"{counts[status]:,} {status.word}" for status in Status if counts[status]])


def by_name(counts: Counter[str]) -> str:
    """'1,000 of module.f, 3 of module.g and 20 others', most frequent first."""
    names = [f"{number:,} of {name}" for name, number in counts.most_common(FEW)]
    others = counts.total() - sum(number for _, number in counts.most_common(FEW))
    return listed([*names, f"{others:,} others"] if others else names)


def called(spec: Spec) -> str:
    """'module.f', 'module.f with label night'."""
    return spec.called if spec.label is None else f"{spec.called} with label {spec.label}"


def lasting(seconds: float) -> str:
    """'less than 1 ms', '3 ms', '1.2 s', '2 min 5 s', '3 h 20 min', '2 d 3 h'."""
    if seconds < 1e-3:
        return "less than 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def moment(seconds: float) -> str:
    """'2030-01-02 03:04:05 UTC'."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
