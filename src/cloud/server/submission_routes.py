"""What was submitted, newest first, as plain JSON: what the Jobs page shows, for programs and the command line."""

import asyncio
import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud import errors
from cloud.dispatch.ports import Store
from cloud.model import Ranges, Status, Stretch, Submission
from cloud.model.ranges import normal, pack
from cloud.server.dashboard.listing import Row, list_submissions
from cloud.server.dashboard.search import Wanted, statuses_of
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.json_answer import JsonAnswer
from cloud.server.key_routes import check_administrator

_MOST_DIGITS = 18
_STEP_JOBS = 20_000


class SubmissionRoutes:
    """One route; its questions are those of the Jobs page."""

    def __init__(self, gate: Gate, store: Store) -> None:
        self._gate = gate
        self._keys = gate.keys
        self._store = store

    def routes(self) -> list[Route]:
        """All of them."""
        return [Route("/v1/submissions", guarded(self._gate, self._list), methods=["GET"])]

    async def _list(self, request: Request, caller: Caller) -> Response:
        asked = request.query_params
        status = asked.get("status", "")
        statuses = statuses_of(status)
        if not statuses:
            words = [status.word for status in Status if status is not Status.DELETED]
            raise errors.InvalidSubmission(f"there is no status {status[:40]!r}; there are {', '.join(words)}")
        wanted = Wanted(
            label=asked.get("label", "")[:200],
            function=asked.get("function", "")[:200],
            status=status,
            jid=_number(asked.get("jid", ""), "jid"),
            before=_number(asked.get("before", ""), "before"),
            since=_seconds(asked.get("since", ""), "since"),
            until=_seconds(asked.get("until", ""), "until"),
        )
        everybody = asked.get("everybody", "") in ("1", "true", "yes")
        if everybody:
            check_administrator(self._keys, caller)
        page = await list_submissions(self._store, None if everybody else caller.account, wanted)
        found = [{**plain(row), **self._whose(row)} for row in page.rows]
        if asked.get("jids", "") in ("1", "true", "yes"):
            for row, shown in zip(page.rows, found, strict=True):
                those = await _jids(self._store, row.submission, statuses)
                shown["jids"] = [[jids.start, jids.stop - 1] for jids in those]
        return JsonAnswer({"submissions": found, "before": page.before})

    def _whose(self, row: Row) -> dict[str, Any]:
        account = self._keys.accounts.find(row.submission.account)
        return {"account": account.number, "account_name": account.name}


def plain(row: Row) -> dict[str, Any]:
    """What is told of a submission."""
    submission, spec = row.submission, row.submission.spec
    jids = submission.jids
    return {
        "sid": submission.sid, "kind": spec.kind, "first": jids.start, "last": jids.stop - 1, "count": submission.count,
        "function": spec.function_name, "label": spec.label, "created": submission.created_at.timestamp(),
        "counts": row.counts, "failed": row.failed,
    }  # fmt: skip


async def _jids(store: Store, submission: Submission, statuses: frozenset[Status]) -> Ranges:
    """Its jobs of these statuses, ascending. Other requests are served between the steps."""
    found: list[range] = []
    for lo in range(0, submission.count, _STEP_JOBS):
        found += _indices(store, Stretch(submission.sid, lo, min(lo + _STEP_JOBS, submission.count)), statuses)
        await asyncio.sleep(0)
    first = submission.jids.start
    return normal(range(first + those.start, first + those.stop) for those in found)


def _indices(store: Store, stretch: Stretch, statuses: frozenset[Status]) -> list[range]:
    found = [
        range(pending.lo, pending.hi)
        for pending in store.pending(stretch)
        if (Status.QUEUED if pending.ready else Status.WAITING) in statuses
    ]
    if Status.PROCESSING in statuses:
        claims = store.claims(stretch)
        found += [range(max(claim.lo, stretch.lo), min(claim.hi, stretch.hi)) for claim in claims]
    others = bytes(status for status in Status if status.finished and status not in statuses)
    for outcomes in store.outcomes(stretch):
        if len(outcomes.status) == len(outcomes.status.translate(None, others)):
            found.append(range(outcomes.lo, outcomes.hi))
        elif len(outcomes.status) > 1:
            found += pack(at for at, each in enumerate(outcomes.status, outcomes.lo) if each in statuses)
    return found


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise errors.InvalidSubmission(f"{name} must be a whole number, not {text[:40]!r}")
    return int(text)


def _seconds(text: str, name: str) -> float | None:
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise errors.InvalidSubmission(f"{name} must be seconds since the epoch, not {text[:40]!r}")
    return found
