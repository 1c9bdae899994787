"""What is on a job's page."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.server.dashboard.listing import counts_of
from cloud.server.dashboard.places import brief
from cloud.server.dashboard.terminal import plain
from cloud.wire.strangers import dict_in

FIELDS = (
    "status", "stdout", "stderr", "exception", "runtime", "created", "started", "finished", "function", "label",
    "attributes", "profile", "memory", "cputime", "attempts", "logging", "machine", "code_version",
)  # fmt: skip
SHOWN_BYTES = 256 << 10
"""The most of an output that is on the page: its end. The rest is behind a link."""
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
    return Output(name, plain(shown.decode("utf-8", "replace")), len(written) - len(shown))


def result_of(store: Store, submission: Submission, index: int) -> str | None:
    """A look at the result, made where the job ran; None: there is none."""
    for outcomes in store.outcomes(Stretch(submission.sid, index, index + 1), columns=("extra",)):
        found = dict_in(outcomes.bytes_of("extra", index)).get("result_repr")
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


def place_of(function: str) -> str:
    """'folder/file.py:12' of a function's full name; '' where it has none."""
    file, colon, line = function.partition(" at ")[2].rpartition(":")
    return f"{brief(file)}{colon}{line}"


def used(job: dict[str, Any]) -> dict[str, Any]:
    """The job's use of the machine, as far as it was measured: 'peak_memory' in bytes and 'cpu_percent', None for what
    is not known. A worker process may have noted anything."""
    memory, cputime, runtime = job["memory"], job["cputime"], job["runtime"]
    peak = memory.get("max_usage", memory.get("max")) if isinstance(memory, dict) else None
    found: dict[str, Any] = {"peak_memory": peak if _is_amount(peak) else None, "cpu_percent": None, "cpu": None}
    if isinstance(cputime, dict) and _is_amount(cputime.get("user")) and _is_amount(cputime.get("system")):
        found["cpu"] = cputime
        if runtime:
            found["cpu_percent"] = round(100 * (cputime["user"] + cputime["system"]) / runtime)
    return found


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def can_be(status: str) -> tuple[bool, bool]:
    """Whether a job of this status can be killed, and deleted."""
    finished = Status[status.upper()].finished
    return not finished, finished
