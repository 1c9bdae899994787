"""What is on the Jobs page: submissions, newest first, that match what is looked for."""

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Any

from cloud.dispatch.counting import counts_in
from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.server.dashboard.search import Search, Wanted, statuses_of
from cloud.wire.failure_text import gist

ROWS = 50
"""How many submissions are on a page."""
_COUNTED_PER_STEP = 10
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Ending:
    """How the job of a call ended."""

    seconds: float | None
    """How long it ran; None: it did not."""
    reason: str
    """Why it failed, in a line; '' if it did not."""


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
    ending: Ending | None = None
    """Of a finished call, where it was asked for."""

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


async def list_submissions(store: Store, account: int | None, wanted: Wanted) -> Page:
    """The newest of an account, or of all (None), that match; gives up after 20,000 submissions: then the page is
    short and says where to go on."""
    page, counted = Page(), 0
    search = Search(store, account, wanted)
    words = {status.word for status in statuses_of(wanted.status)}
    async for submission in search:
        if len(page.rows) == ROWS:
            page.before = search.before
            return page
        row = row_of(store, submission)
        if not words.isdisjoint(row.counts):
            page.rows.append(replace(row, ending=_ending_of(store, submission)) if submission.count == 1 else row)
        counted += 1
        if counted % _COUNTED_PER_STEP == 0:
            await asyncio.sleep(0)
    if search.given_up:
        page.before = search.before
    return page


def row_of(store: Store, submission: Submission) -> Row:
    """A sealed submission with its counts."""
    stretch = Stretch(submission.sid, 0, submission.count)
    jid, counts, failed = submission.jids.start, counts_of(store, stretch), store.first_failure(stretch)
    first = 0 if sum(counts.values()) == submission.count else _first_left(store, stretch)
    return Row(submission, counts, jid + first, None if failed is None else jid + failed)


def _ending_of(store: Store, submission: Submission) -> Ending | None:
    for outcomes in store.outcomes(Stretch(submission.sid, 0, 1), columns=("error",)):
        seconds = outcomes.runtime[0] if outcomes.runtime else math.nan
        reason = gist(bytes(outcomes.bytes_of("error", 0)).decode("utf-8", "replace"))
        return Ending(seconds if math.isfinite(seconds) else None, reason[:_LONGEST_REASON])
    return None


def _first_left(store: Store, stretch: Stretch) -> int:
    """The first index that was not deleted."""
    held: list[Any] = [*store.pending(stretch)[:1], *store.claims(stretch)[:1]]
    held += store.outcomes(stretch, max_bytes=0)
    return min((item.lo for item in held), default=0)


def counts_of(store: Store, stretch: Stretch) -> dict[str, int]:
    """Jobs by status word, in the order of a job's life."""
    found = counts_in(store, stretch)
    return {status.word: found[status] for status in Status if found[status]}
