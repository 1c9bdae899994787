"""Looking for submissions: what is wanted, and going through them, newest first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from cloud.dispatch.ports import Listed, Store
from cloud.model import Status, Submission

GROUPS = {
    "failed": frozenset(status for status in Status if status.failed),
    "unfinished": frozenset((Status.WAITING, Status.QUEUED, Status.PROCESSING)),
    "finished": frozenset((Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED)),
}
"""Words for several statuses at once."""
_STEP = 100
_MOST_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; empty: everything."""

    label: str = ""
    """Part of a label, in any case."""
    function: str = ""
    """Part of the function's name or file, in any case."""
    status: str = ""
    """Submissions with a job of this status, or of one of these `GROUPS`."""
    jid: int | None = None
    """The submission with this job."""
    before: int | None = None
    """Only submissions older than this sid: the next page."""
    since: float | None = None
    until: float | None = None
    """Only what was submitted from then on, and until then; seconds since the epoch."""

    @property
    def any(self) -> bool:
        """Whether not everything is wanted."""
        asked = (self.jid, self.since, self.until)
        return bool(self.label or self.function or self.status) or any(value is not None for value in asked)

    def matches(self, listed: Listed) -> bool:
        """Whether label and function are as wanted."""
        return (
            self.label.casefold() in (listed.label or "").casefold()
            and self.function.casefold() in listed.function_name.casefold()
        )

    def in_time(self, submission: Submission) -> bool:
        """Whether it was submitted when it should have been."""
        at = submission.created_at.timestamp()
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


def statuses_of(word: str) -> frozenset[Status]:
    """The statuses that a word of `Wanted.status` means; all for '', none for what is no such word."""
    if not word:
        return GROUPS["finished"] | GROUPS["unfinished"]
    if word in GROUPS:
        return GROUPS[word]
    return frozenset(status for status in Status if status.word == word and status is not Status.DELETED)


class Search:
    """Goes through the submissions that match, newest first, whatever their jobs' statuses. Reads in small steps,
    between which other requests are served.

    Args:
        account: whose; None: all accounts'.
        most: gives up after it has looked at so many submissions; `given_up` says so.
    """

    def __init__(self, store: Store, account: int | None, wanted: Wanted, most: int | None = _MOST_LOOKED_AT) -> None:
        self._store = store
        self._account = account
        self._wanted = wanted
        self._most = most
        self._looked_at = 0
        self.before = wanted.before
        """Everything from this sid on was given out or does not match: a search goes on from here."""
        self.given_up = False

    async def __aiter__(self) -> AsyncIterator[Submission]:
        if self._wanted.jid is not None:
            for submission in self._store.at_jids(range(self._wanted.jid, self._wanted.jid + 1)):
                listed = Listed(
                    submission.sid, submission.account, submission.spec.label, submission.spec.function_name
                )
                if self._fits(listed, submission):
                    yield submission
            return
        while True:
            step = self._store.newest(_STEP, self.before)
            if self._is_too_old(step):
                return
            for listed in step if not self._is_too_new(step) else ():
                found = self._submission(listed)
                if found is not None:
                    yield found
                self.before = listed.sid
            if len(step) < _STEP:
                return
            self.before = step[-1].sid
            self._looked_at += len(step)
            if self._most is not None and self._looked_at >= self._most:
                self.given_up = True
                return
            await asyncio.sleep(0)

    def _submission(self, listed: Listed) -> Submission | None:
        if self._account not in (None, listed.account) or not self._wanted.matches(listed):
            return None
        submission = self._store.submission(listed.sid)
        return submission if submission is not None and self._fits(listed, submission) else None

    def _fits(self, listed: Listed, submission: Submission) -> bool:
        return (
            self._account in (None, submission.account)
            and submission.count > 0
            and self._wanted.matches(listed)
            and self._wanted.in_time(submission)
        )

    def _is_too_old(self, step: list[Listed]) -> bool:
        """Everything from here on was submitted before the time that is wanted."""
        since = self._wanted.since
        first = self._store.submission(step[0].sid) if step and since is not None else None
        return first is not None and since is not None and first.created_at.timestamp() < since

    def _is_too_new(self, step: list[Listed]) -> bool:
        until = self._wanted.until
        last = self._store.submission(step[-1].sid) if step and until is not None else None
        return last is not None and until is not None and last.created_at.timestamp() > until
