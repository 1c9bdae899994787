"""What is on a job's page."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.server.dashboard.listing import counts_of

FIELDS = (
    "status", "stdout", "stderr", "exception", "runtime", "created", "started", "finished", "function", "label",
    "attributes", "profile", "memory", "cputime", "attempts",
)  # fmt: skip
SHOWN_BYTES = 256 << 10
"""The most of an output that is on the page: its end. The rest is behind a link."""
PROFILE_COLUMNS = ("calls", "own", "cumulative", "function")
MOST_DEPENDENCIES = 50
"""The most ranges of jobs that a job depends on which its page shows."""
_MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Output:
    """What a job wrote to one stream."""

    name: str
    text: str
    cut: int
    """How many bytes before it are left out."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Jobs that a job waits or waited for."""

    first: int
    last: int
    counts: dict[str, int]
    """By status word; empty: they were deleted."""
    whole: bool
    """Whether all were looked at."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A row of a profile."""

    calls: int
    primitive: int
    own: float
    cumulative: float
    function: str
    place: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a job is in its map; jids, None where there is none."""

    number: int
    of: int
    previous: int | None
    next: int | None
    next_failed: int | None


def output_of(name: str, written: bytes) -> Output:
    """The end of what was written, from the beginning of a line."""
    shown = written
    if len(written) > SHOWN_BYTES:
        shown = written[-SHOWN_BYTES:]
        shown = shown[shown.find(b"\n") + 1 :]
    return Output(name, shown.decode("utf-8", "replace"), len(written) - len(shown))


def result_of(store: Store, submission: Submission, index: int) -> str | None:
    """A look at the result, made where the job ran; None: there is none."""
    for outcomes in store.outcomes(Stretch(submission.sid, index, index + 1), columns=("extra",)):
        text = bytes(outcomes.bytes_of("extra", index))
        found = json.loads(text).get("result_repr") if text else None
        if isinstance(found, str):
            return found
    return None


def dependencies_of(store: Store, account: int, ranges: Sequence[Sequence[int]]) -> list[Dependency]:
    """The first fifty ranges of jobs that a job depends on, with how they are. Looks at a hundred submissions at most,
    so that whoever waits for ten thousand calls keeps nobody waiting here."""
    found, left = [], _MOST_COUNTED
    for start, stop in ranges[:MOST_DEPENDENCIES]:
        counts: Counter[str] = Counter()
        at = start
        while at < stop and left:
            left -= 1
            here = [s for s in store.at_jids(range(at, at + 1)) if s.account == account]
            following = at + 1
            for submission in here:
                jids = submission.jids
                following = min(stop, jids.stop)
                counts.update(counts_of(store, Stretch(submission.sid, at - jids.start, following - jids.start)))
            at = following
        found.append(Dependency(start, stop - 1, dict(counts), whole=at >= stop))
    return found


def neighbours_of(store: Store, submission: Submission, index: int) -> Neighbours | None:
    """None for a job that is not one of many. A failure is looked for behind this job, then from the beginning."""
    if submission.count < 2:
        return None
    first, count = submission.jids.start, submission.count
    failed = store.first_failure(Stretch(submission.sid, index + 1, count))
    if failed is None:
        failed = store.first_failure(Stretch(submission.sid, 0, index))
    return Neighbours(
        index + 1,
        count,
        first + index - 1 if index else None,
        first + index + 1 if index + 1 < count else None,
        None if failed is None else first + failed,
    )


def profile_of(profile: Any, sort: str) -> list[Timed]:
    """Rows of a profile, the largest first, or by function; none if the job has no profile."""
    rows = profile.get("rows", ()) if isinstance(profile, dict) else ()
    found = [
        Timed(calls, primitive, own, cumulative, name, f"{file}:{line}" if line else "")
        for file, line, name, calls, primitive, own, cumulative in rows
    ]
    if sort == "function":
        return sorted(found, key=lambda row: (row.function, row.place))
    name = sort if sort in PROFILE_COLUMNS else "cumulative"
    return sorted(found, key=lambda row: -float(getattr(row, name)))


def can_be(status: str) -> tuple[bool, bool]:
    """Whether a job of this status can be killed, and deleted."""
    finished = Status[status.upper()].finished
    return not finished, finished
