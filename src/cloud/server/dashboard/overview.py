"""What is on the Overview page: what runs, what failed lately, and the past in numbers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud.dispatch.ports import Store
from cloud.local import Core
from cloud.model import Status, Stretch, Submission
from cloud.server.history import History, Names, Past, Tally
from cloud.server.rings import MINUTES, SECONDS
from cloud.wire.failure_text import gist

MOST_ROWS = 8
_MOST_LOOKED_AT = 200
_LONGEST_REASON = 300
_LEAST_STEPS = 90
"""So much is shown of the time before the server started."""
SPANS = {"minutes": SECONDS, "day": MINUTES}
"""What can be looked at: ten minutes by the second, or a day by the minute."""
BREAKDOWNS = ("status", "function", "label")


@dataclass(frozen=True, slots=True)
class Running:
    """A submission some of whose jobs run now."""

    submission: Submission
    jobs: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A submission that has failed jobs."""

    submission: Submission
    failed: int
    jid: int
    """The first of them."""
    status: str
    reason: str
    """The last line of its traceback, or why it was killed or stalled."""


def running_of(core: Core, account: int) -> list[Running]:
    """Submissions of an account by how many of their jobs run on this server, the most first."""
    jobs = {sid: number for (owner, sid), number in core.dispatcher.running().items() if owner == account}
    most = sorted(jobs, key=lambda sid: (-jobs[sid], -sid))[:MOST_ROWS]
    return [Running(found, jobs[sid]) for sid in most if (found := core.store.submission(sid)) is not None]


async def failures_of(store: Store, account: int) -> list[Failure]:
    """The newest submissions of an account with failed jobs. Other requests are served in between."""
    found: list[Failure] = []
    before: int | None = None
    for _ in range(_MOST_LOOKED_AT):
        sid = store.last_failed(before)
        submission = None if sid is None else store.submission(sid)
        if submission is None or len(found) == MOST_ROWS:
            break
        before = submission.jids.start
        if submission.account == account:
            found.append(_failure(store, submission))
        await asyncio.sleep(0)
    return found


def _failure(store: Store, submission: Submission) -> Failure:
    whole = Stretch(submission.sid, 0, submission.count)
    failed = sum(number for status, number in store.counts(whole).items() if status.failed)
    index = store.first_failure(whole) or 0
    status, reason = Status.ERROR, ""
    for outcomes in store.outcomes(Stretch(submission.sid, index, index + 1), columns=("error",)):
        status = outcomes.status_of(index)
        reason = gist(bytes(outcomes.bytes_of("error", index)).decode("utf-8", "replace"))[:_LONGEST_REASON]
    return Failure(submission, failed, submission.jids.start + index, status.word, reason)


def lately(past: Past, names: Names, span: tuple[int, int], at: float) -> list[tuple[str, Tally]]:
    """What ended in a span, by name, the most first; what is in no name any more comes last as ''."""
    named = names.totals(span, at)
    rest = past.ended.total(span, at)
    for _, tally in named:
        rest = Tally(
            rest.done - tally.done, rest.error - tally.error, rest.killed - tally.killed, rest.seconds - tally.seconds
        )
    return [*named, ("", rest)] if rest.all > 0 else named


def curves(history: History, account: int, span: tuple[int, int], by: str, at: float, since: float) -> dict[str, Any]:
    """The numbers behind the charts, from the step of `since` on; `by` is one of `BREAKDOWNS`."""
    past = history.of(account)
    step, _ = span
    since = max(since, min(history.began, at - _LEAST_STEPS * step))
    done = past.ended.done.read(span, at, since)
    now = int(at) // step
    if by == "status":
        names: Sequence[str] = ("done", "error", "killed")
        under = {"processing": past.processing, "queued": past.queued, "waiting": past.waiting}
        ended = [done, past.ended.error.read(span, at, since), past.ended.killed.read(span, at, since)]
    else:
        known = past.functions if by == "function" else past.labels
        queues = past.queued_functions if by == "function" else past.queued_labels
        under = dict(sorted(queues.known.items()))
        names = sorted(name for name, _ in known.totals(span, at))
        ended = [known.known[name].jobs(span, at, since) for name in names]
        total = past.ended.jobs(span, at, since)
        rest = [whole - sum(parts) for whole, *parts in zip(total, *ended, strict=True)]
        if any(rest):
            names, ended = [*names, ""], [*ended, rest]
    return {
        "step": step,
        "first": (now - len(done) + 1) * step,
        "names": list(names),
        "ended": ended,
        "under": list(under),
        "jobs": [series.read(span, at, since) for series in under.values()],
        "crew": [series.read(span, at, since) for series in (history.busy, history.slots)],
    }
