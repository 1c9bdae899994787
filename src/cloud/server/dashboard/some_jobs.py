"""A few jobs of a map, as lines of a table."""

import math
from array import array
from dataclasses import dataclass

from cloud.dispatch.info import shown_arguments
from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.wire.strangers import dict_in


@dataclass(frozen=True, slots=True)
class Line:
    """One job."""

    jid: int
    status: str
    seconds: float | None
    """How long it ran; None: it did not, or does still."""
    arguments: str
    """A look at them, if the client sent one."""


@dataclass(frozen=True, slots=True)
class SomeJobs:
    """The first of them, and how many more there are."""

    lines: list[Line]
    more: int


def some_jobs(store: Store, submission: Submission, first_jid: int, limit: int) -> SomeJobs:
    """The first jobs, from `first_jid` on."""
    first = submission.jids.start
    lo = first_jid - first
    hi = min(lo + limit, submission.count)
    return SomeJobs(lines_of(store, submission, range(lo, hi)), submission.count - hi)


def lines_of(store: Store, submission: Submission, indices: range) -> list[Line]:
    """Jobs with these indices; deleted ones are left out."""
    stretch = Stretch(submission.sid, indices.start, indices.stop)
    words: dict[int, tuple[str, float | None]] = {}
    for pending in store.pending(stretch):
        word = Status.QUEUED.word if pending.ready else Status.WAITING.word
        words.update((i, (word, None)) for i in range(pending.lo, pending.hi))
    for claim in store.claims(stretch):
        held = range(max(claim.lo, stretch.lo), min(claim.hi, stretch.hi))
        words.update((i, (Status.PROCESSING.word, None)) for i in held)
    for outcomes in store.outcomes(stretch):
        for i in range(outcomes.lo, outcomes.hi):
            words[i] = outcomes.status_of(i).word, _seconds(outcomes.runtime, i - outcomes.lo)
    return [line(submission, i, *words[i]) for i in sorted(words)]


def line(submission: Submission, index: int, word: str, seconds: float | None, noted: str = "") -> Line:
    """One job of a submission; `noted` by its worker where the client sent nothing."""
    return Line(submission.jids.start + index, word, seconds, shown_arguments(submission.spec, index) or noted)


def noted_arguments(store: Store, submission: Submission, index: int) -> str:
    """What the worker of a finished job noted of its arguments, which it does for the later jobs of a map."""
    if index < len(submission.spec.shown_arguments):
        return ""
    for outcomes in store.outcomes(Stretch(submission.sid, index, index + 1), columns=("extra",)):
        return str(dict_in(outcomes.bytes_of("extra", index)).get("arguments", ""))
    return ""


def _seconds(runtime: "array[float]", offset: int) -> float | None:
    return runtime[offset] if offset < len(runtime) and math.isfinite(runtime[offset]) else None
