"""What is forgotten when: old jobs, silent submissions, blobs that nothing refers to (DESIGN D20)."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.files import UPLOAD_SILENCE_ALLOWED
from cloud.dispatch.intake import SILENCE_ALLOWED
from cloud.dispatch.orphans import SLICE, Orphans
from cloud.errors import CloudException
from cloud.model import Stretch

log = logging.getLogger("Cloud.retention")

EVERY_SECONDS = 60.0
COUNT_SECONDS = 0.25
"""How often finished jobs are counted where their number is limited."""
COUNT_SHARE = 20
"""Or, where counting takes a millisecond, so many."""
WORK_SECONDS = 0.1
"""So long at a time they are forgotten, with a pause as long."""
ORPHAN_AGE_SECONDS = 3600.0
"""A blob is written before the commit that refers to it; one so old without a reference was orphaned by a crash."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept. None: without limit."""

    max_age: timedelta | None = None
    """Submissions all of whose jobs finished longer ago are forgotten."""
    max_bytes: int | None = None
    """Beyond this, the submissions that finished first are forgotten, however young."""
    max_jobs: int | None = None
    """Beyond this, the finished jobs that finished first are forgotten, a moment after they became too many."""
    warn_bytes: int = 10 << 30
    """A warning is logged once when the store has grown beyond this."""


class Retention:
    """Tidies up in small slices; `due` says when, `work` does a slice."""

    def __init__(
        self, dispatcher: Dispatcher, limits: Limits, *, orphan_age_seconds: float = ORPHAN_AGE_SECONDS
    ) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._blobs = dispatcher.blobs
        self._limits = limits
        self._orphan_age = orphan_age_seconds
        self._orphans = Orphans(dispatcher, orphan_age_seconds)
        self._far_bytes: int | None = None
        self._counting = self._fresh = False
        self._warned = False
        self._count_due = dispatcher.clock.monotonic()
        self.due = dispatcher.clock.monotonic()
        """Monotonic time of the next slice."""

    @property
    def warn_bytes(self) -> int:
        """See `Limits.warn_bytes`."""
        return self._limits.warn_bytes

    @property
    def blob_bytes(self) -> int:
        """Bytes of all blobs; of far ones, as counted last."""
        return (self._far_bytes or 0) if self._blobs.far else self._blobs.size_bytes()

    def work(self) -> None:
        """A slice, if it is due."""
        now = self._dispatcher.clock.monotonic()
        if self._limits.max_jobs is not None:
            self._mind_jobs(now, self._limits.max_jobs)
        if now < self.due:
            return
        self._drop_silent()
        self._drop_unused_code()
        self._drop_silent_uploads()
        more = self._forget_old() | self._forget_surplus() | self._orphans.collect()
        self.due = now + (0.05 if more else EVERY_SECONDS)

    def _mind_jobs(self, now: float, most: int) -> None:
        """Called after everything that happened, so there may be more jobs than before; counted now and then."""
        if now < self._count_due:
            self.due = min(self.due, self._count_due)
            return
        clock = self._dispatcher.clock
        surplus = max(0, self._store.finished_jobs() - most)
        counted_at = clock.monotonic()
        self._count_due = counted_at + max(COUNT_SECONDS, COUNT_SHARE * (counted_at - now))
        while surplus > 0 and (ended := self._store.ended_jids(min(surplus, SLICE))):
            for jids in ended:
                if surplus:
                    self._forget_jobs(jids[:surplus])
                    surplus -= min(surplus, len(jids))
            if surplus and clock.monotonic() > counted_at + WORK_SECONDS:
                self.due = self._count_due = clock.monotonic() + WORK_SECONDS
                break

    def _forget_jobs(self, jids: range) -> None:
        with self._dispatcher.step() as step:
            for submission in self._store.at_jids(jids):
                first = submission.jids.start
                lo, hi = max(jids.start, first) - first, min(jids.stop, submission.jids.stop) - first
                step.garbage += self._store.delete(Stretch(submission.sid, lo, hi))
                step.touched.add(submission.sid)

    def _drop_silent(self) -> None:
        since = self._dispatcher.clock.now() - SILENCE_ALLOWED
        silent = self._store.unsealed(since)
        if silent:
            with self._dispatcher.step() as step:
                for sid in silent[:SLICE]:
                    step.garbage += self._store.drop_unsealed(sid)

    def _drop_unused_code(self) -> None:
        before = self._dispatcher.clock.now() - timedelta(seconds=self._orphan_age)
        with self._dispatcher.step() as step:
            step.garbage += self._store.drop_unused_code(before, SLICE)

    def _drop_silent_uploads(self) -> None:
        silent = self._store.silent_uploads(self._dispatcher.clock.now() - UPLOAD_SILENCE_ALLOWED, SLICE)
        if silent:
            with self._dispatcher.step() as step:
                for fid in silent:
                    step.garbage += self._store.delete_file(fid)

    def _forget_old(self) -> bool:
        if self._limits.max_age is None:
            return False
        oldest_kept = self._dispatcher.clock.now() - self._limits.max_age
        old = [sid for sid, end, _ in self._store.oldest_finished(SLICE) if end < oldest_kept]
        self._forget(old)
        return len(old) == SLICE

    def _forget_surplus(self) -> bool:
        # Files are the user's to delete, and do not push out jobs.
        if self._blobs.far and not self._was_counted():
            return False
        size = self._store.size_bytes() + self.blob_bytes - self._store.file_bytes()
        if size > self._limits.warn_bytes and not self._warned:
            self._warned = True
            log.warning(
                "jobs and results take %.1f GB; forget old ones with cloud.delete or a retention limit", size / 1e9
            )
        limit = self._limits.max_bytes
        if limit is None or size <= limit:
            return False
        surplus = []
        for sid, _, held in self._store.oldest_finished(SLICE):
            if size <= limit:
                break
            surplus.append(sid)
            size -= held
        self._forget(surplus)
        return bool(surplus) and size > limit

    def _forget(self, sids: list[int]) -> None:
        if not sids:
            return
        with self._dispatcher.step() as step:
            for sid in sids:
                submission = self._store.submission(sid)
                if submission is not None:
                    step.garbage += self._store.delete(Stretch(sid, 0, submission.count))
                    step.touched.add(sid)

    def _was_counted(self) -> bool:
        """Far blobs are counted beside, every other time: in between, what the count made us forget goes."""
        if self._fresh:
            self._fresh = False
            return True
        if not self._counting:
            self._counting = True
            self._dispatcher.aside(self._count, self._counted)
        return False

    def _count(self) -> int | None:
        try:
            return self._blobs.size_bytes()
        except CloudException as error:
            log.warning("blobs are counted later: %s", error)
            return None

    def _counted(self, size_bytes: int | None) -> None:
        self._counting = False
        if size_bytes is not None:
            self._far_bytes, self._fresh = size_bytes, True
