"""What `imap` and `imap_unordered` return: results while others are computed, or not even submitted."""

import time
import weakref
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

from cloud.api import Ended
from cloud.client.iteration import ResultIterator
from cloud.client.patience import Patience
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobNotFound
from cloud.model import Ranges
from cloud.model.ranges import normal, subtract
from cloud.pools.failures import PoolTimeoutError, outcome, raised_by
from cloud.pools.feeding import Feed

LINGER_SECONDS = 0.005
STEP_SECONDS = 0.05
"""How soon jobs that are submitted while others are waited for join the wait."""
_SHORTEST_SECONDS = 1e-6


class PoolIterator(Iterator[Any]):
    """Results, one after another; an error is raised where its job stands, and the iterator goes on behind it."""

    def __init__(self, session: Session, feed: Feed, *, remote_errors: bool) -> None:
        """With `remote_errors`, what a job raised is raised again; else its `CloudException`."""
        self._session = session
        self._feed = feed
        self._remote_errors = remote_errors
        self._batch = 0
        self._over = False
        self._finalizer = weakref.finalize(self, feed.stop)
        self._finalizer.atexit = False

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result.

        Raises:
            StopIteration: there are no more.
            PoolTimeoutError: it did not come within so many seconds; ask again.
            Exception: what the job raised, or the iterable.
        """
        if self._over:
            raise StopIteration
        try:
            value, error = self._take(None if timeout is None else time.monotonic() + max(0.0, timeout))
        except (PoolTimeoutError, KeyboardInterrupt):
            raise
        except BaseException:
            self._over = True
            raise
        self._feed.read(1)
        if error is not None:
            raise error
        return value

    @abstractmethod
    def _take(self, until: float | None) -> tuple[Any, Exception | None]:
        """The next value, or its error; waits until this monotonic time."""

    def _in_words(self, error: CloudException) -> Exception:
        return raised_by(error, RemoteTraceback) if self._remote_errors else error


class OrderedIterator(PoolIterator):
    """In the order of the items."""

    _results: ResultIterator | None = None

    def _take(self, until: float | None) -> tuple[Any, Exception | None]:
        while True:
            if self._results is None:
                jobs = self._feed.batch(self._batch, _left(until))
                if jobs is None:
                    raise PoolTimeoutError("imap timed out")
                self._results = self._session.iresult(jobs)
                self._batch += 1
            try:
                return self._results.next(None if until is None else max(_SHORTEST_SECONDS, _left(until) or 0.0)), None
            except StopIteration:
                self._results = None
            except CloudTimeoutError as error:
                raise PoolTimeoutError("imap timed out", jid=error.jid) from None
            except CloudException as error:
                return None, self._in_words(error)


class UnorderedIterator(PoolIterator):
    """In the order in which jobs finish."""

    def __init__(self, session: Session, feed: Feed, *, remote_errors: bool) -> None:
        super().__init__(session, feed, remote_errors=remote_errors)
        self._missing: Ranges = ()
        self._there: deque[tuple[Ended, int]] = deque()

    def _take(self, until: float | None) -> tuple[Any, Exception | None]:
        while not self._there:
            self._look_for_batches(until)
            if not self._missing:
                raise PoolTimeoutError("imap_unordered timed out")
            try:
                self._wait(until)
            except JobNotFound as error:
                gone = (range(error.jid, error.jid + 1),) if isinstance(error.jid, int) else self._missing
                self._missing = subtract(self._missing, gone)
                return None, error
        ended, jid = self._there.popleft()
        return outcome(self._session, ended, jid, self._in_words)

    def _look_for_batches(self, until: float | None) -> None:
        """Whatever has been submitted is missed from now on; with nothing missed, wait until something is."""
        while True:
            try:
                jobs = self._feed.batch(self._batch, 0 if self._missing else _left(until))
            except BaseException:
                if self._missing:
                    return  # its turn comes behind the results of what was submitted
                raise
            if jobs is None:
                return
            self._batch += 1
            self._missing = normal([*self._missing, jobs.as_range])

    def _wait(self, until: float | None) -> None:
        api = self._session.api
        left = _left(until)
        seconds = left if not self._feed.is_open else STEP_SECONDS if left is None else min(STEP_SECONDS, left)
        try:
            with Patience(api, "imap_unordered", seconds) as patience:
                while not (
                    answer := api.outcomes(
                        self._missing, timeout_seconds=patience.step(self._missing), linger_seconds=LINGER_SECONDS
                    )
                ):
                    patience.check(self._missing)
        except CloudTimeoutError as error:
            if left is not None and _left(until) == 0.0:
                raise PoolTimeoutError("imap_unordered timed out", jid=error.jid) from None
            return
        self._missing = subtract(self._missing, normal(ended.jids for ended in answer))
        self._there += ((ended, jid) for ended in answer for jid in ended.jids)


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
