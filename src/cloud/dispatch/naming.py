"""From jids, which users know, to stretches of submissions, which the core knows; within one account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloud.dispatch.ports import Store
from cloud.errors import JobNotFound
from cloud.model import Ranges, Stretch, Submission

AT_ONCE = 500
"""Submissions that are read at a time."""


@dataclass(frozen=True, slots=True)
class Named:
    """Part of what a user named: jobs of one submission."""

    submission: Submission
    stretch: Stretch

    @property
    def first_jid(self) -> int:
        """The jid of the first job of the stretch."""
        return self.submission.jids.start + self.stretch.lo

    def jid(self, index: int) -> int:
        """The jid of the job with this index in the submission."""
        return self.submission.jids.start + index


class Naming:
    """Looks jids up for one account."""

    def __init__(self, store: Store, account: int) -> None:
        self._store = store
        self.account = account
        self._last: Submission | None = None

    def remember(self, submission: Submission) -> None:
        """It was just sealed, and will be asked for soon."""
        self._last = submission

    def remembered(self, jids: range) -> Submission | None:
        """What `remember` was told last, if these are its jobs."""
        last = self._last
        return last if last is not None and last.jids == jids else None

    def find(self, jids: Ranges) -> list[Named]:
        """The stretches these jids name, in their order.

        Raises:
            JobNotFound: naming the first jid of which no submission of this account knows. (Deleted jobs of a
                submission that still has others are not noticed here.)
        """
        found: list[Named] = []
        last: Submission | None = None
        first = stop = 0
        for item in jids:
            if last is not None and first <= item.start < item.stop <= stop:  # there may be very many in one submission
                found.append(Named(last, Stretch(last.sid, item.start - first, item.stop - first)))
                continue
            found += self._in(item)
            last = self._last
            if last is not None:
                first, stop = last.jids.start, last.jids.stop
                if self._store.submission(last.sid) is not last:  # it was deleted
                    last = None
        return found

    def _in(self, item: range) -> Iterator[Named]:
        last = self._last
        if last is not None and item.start in last.jids and item.stop <= last.jids.stop:
            if self._store.submission(last.sid) is last:
                yield _cut(last, item)
                return
        expected = item.start
        for submission in submissions_in(self._store, item):
            if submission.account != self.account:
                break  # whoever names a range that is not all theirs has none of it read
            named = _cut(submission, item)
            if named.first_jid > expected:
                break
            yield named
            expected = named.first_jid + len(named.stretch)
            self._last = submission
        if expected < item.stop:
            raise not_found(expected)


def submissions_in(store: Store, jids: range) -> Iterator[Submission]:
    """Those with jids in this range, ascending, read as they are wanted: anybody may name a range of everybody's."""
    while jids:
        found = store.at_jids(jids, AT_ONCE)
        yield from found
        jids = range(found[-1].jids.stop, jids.stop) if found else range(0)


def not_found(jid: int) -> JobNotFound:
    """The error for a jid that names nothing."""
    return JobNotFound(
        "there is no such job: it never was, was deleted, or belongs to another account",
        jid=jid,
        hint="check the jid and the key you are connected with (cloud.connection_info())",
    )


def stretches(named: Iterable[Named]) -> list[Stretch]:
    """What is named, without its names."""
    return [n.stretch for n in named]


def _cut(submission: Submission, item: range) -> Named:
    jids = submission.jids
    lo = max(item.start, jids.start) - jids.start
    hi = min(item.stop, jids.stop) - jids.start
    return Named(submission, Stretch(submission.sid, lo, hi))
