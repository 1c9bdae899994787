"""What is on the Jobs page: submissions, newest first, that match what is looked for."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from cloud.dispatch.ports import Listed, Store
from cloud.model import Status, Stretch, Submission

ROWS = 50
"""How many submissions are on a page."""
_STEP = 100
_MOST_LOOKED_AT = 20_000
_COUNTED_PER_STEP = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; empty: everything."""

    label: str = ""
    """Part of a label, in any case."""
    function: str = ""
    """Part of the function's name or file, in any case."""
    status: str = ""
    """Submissions with a job of this status."""
    jid: int | None = None
    """The submission with this job."""
    before: int | None = None
    """Only submissions older than this sid: the next page."""

    @property
    def any(self) -> bool:
        """Whether not everything is wanted."""
        return bool(self.label or self.function or self.status or self.jid is not None)

    def matches(self, listed: Listed) -> bool:
        """Whether label and function are as wanted."""
        return (
            self.label.casefold() in (listed.label or "").casefold()
            and self.function.casefold() in listed.function_name.casefold()
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One submission, a call or a map."""

    submission: Submission
    counts: dict[str, int]
    """Its jobs by status; statuses nobody has are absent, and so are deleted jobs."""
    first: int
    """The first jid that was not deleted."""
    failed: int | None
    """The first jid that failed; None: none did."""

    @property
    def total(self) -> int:
        """Its jobs that were not deleted."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """Those that are over."""
        return sum(number for word, number in self.counts.items() if Status[word.upper()].finished)


@dataclass(slots=True)
class Page:
    """Rows, and where the next page begins."""

    rows: list[Row] = field(default_factory=list)
    before: int | None = None
    """For `Wanted.before`; None: there is nothing more."""


async def list_submissions(store: Store, account: int, wanted: Wanted) -> Page:
    """The newest that match. Reads in small steps, between which other requests are served, and gives up after
    20,000 submissions: then the page is short and says where to go on."""
    page = Page()
    if wanted.jid is not None:
        found = [s for s in store.at_jids(range(wanted.jid, wanted.jid + 1)) if s.account == account]
        _add(store, [Listed(s.sid, s.account, s.spec.label, s.spec.function_name) for s in found], wanted, page)
        return page
    before, looked_at, counted = wanted.before, 0, 0
    while looked_at < _MOST_LOOKED_AT:
        step = store.newest(_STEP, before)
        for listed in step:
            looked_at += 1
            if listed.account == account and wanted.matches(listed):
                if len(page.rows) == ROWS:
                    page.before = before
                    return page
                _add(store, [listed], wanted, page)
                counted += 1
                if counted % _COUNTED_PER_STEP == 0:
                    await asyncio.sleep(0)
            before = listed.sid
        if len(step) < _STEP:
            return page
        await asyncio.sleep(0)
    page.before = before
    return page


def _add(store: Store, found: list[Listed], wanted: Wanted, page: Page) -> None:
    for listed in found:
        submission = store.submission(listed.sid)
        if submission is None or not submission.count or not wanted.matches(listed):
            continue
        row = row_of(store, submission)
        if row.total and (not wanted.status or wanted.status in row.counts):
            page.rows.append(row)


def row_of(store: Store, submission: Submission) -> Row:
    """A sealed submission with its counts."""
    stretch = Stretch(submission.sid, 0, submission.count)
    jid, counts, failed = submission.jids.start, counts_of(store, stretch), store.first_failure(stretch)
    first = 0 if sum(counts.values()) == submission.count else _first_left(store, stretch)
    return Row(submission, counts, jid + first, None if failed is None else jid + failed)


def _first_left(store: Store, stretch: Stretch) -> int:
    """The first index that was not deleted."""
    held: list[Any] = [*store.pending(stretch), *store.claims(stretch), *store.outcomes(stretch, max_bytes=0)]
    return min((item.lo for item in held), default=0)


def counts_of(store: Store, stretch: Stretch) -> dict[str, int]:
    """Jobs by status word, in the order of a job's life."""
    counts: dict[Status, int] = dict.fromkeys(Status, 0)
    for pending in store.pending(stretch):
        counts[Status.QUEUED if pending.ready else Status.WAITING] += pending.hi - pending.lo
    for claim in store.claims(stretch):
        counts[Status.PROCESSING] += min(claim.hi, stretch.hi) - max(claim.lo, stretch.lo)
    for status, number in store.counts(stretch).items():
        counts[status] += number
    return {status.word: number for status, number in counts.items() if number}
