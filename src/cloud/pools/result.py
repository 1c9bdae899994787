"""What `apply_async` and `map_async` return."""

import logging
import threading
import time
from collections.abc import Callable
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

from cloud.client import waiting
from cloud.client.jobs import Job, Jobs
from cloud.client.opening import error_of, first_failure
from cloud.client.patience import Patience
from cloud.client.roll import Watch
from cloud.client.session import Session
from cloud.client.terse import terse
from cloud.errors import CloudException, CloudTimeoutError, JobNotFound
from cloud.model import Ranges
from cloud.pools.failures import PoolTimeoutError, raised_by

log = logging.getLogger("Cloud")


@terse
class AsyncResult:
    """What one job, or the jobs of one map, will return; as `multiprocessing.pool.AsyncResult`.

    Attributes:
        jids: the job, or the jobs: what `cloud.info`, `cloud.kill`, ... take.
    """

    def __init__(self, jids: Job | Jobs, session: Session) -> None:
        self.jids = jids
        self._session = session
        self._ranges: Ranges = (jids.as_range,) if isinstance(jids, Jobs) else (range(jids.jid, jids.jid + 1),)
        self._told: threading.Event | None = None
        """Set when the callbacks have run, if there are any."""
        self._value: Any = None
        self._error: Exception | None = None
        self._known = False

    def get(self, timeout: float | None = None) -> Any:
        """The result, or the list of results, once all jobs are finished.

        Raises:
            PoolTimeoutError: they are not, after so many seconds; a `CloudTimeoutError` and a
                `multiprocessing.TimeoutError`.
            Exception: what the first failed job raised, as far as `raises` tells it.
        """
        until = _until(timeout)
        if self._told is not None and not self._wait(until):
            raise PoolTimeoutError("AsyncResult.get timed out", jid=self._numbers())
        self._read(until)
        if self._error is not None:
            raise self._error
        return self._value

    def wait(self, timeout: float | None = None) -> None:
        """Until all jobs are finished, however, or so many seconds are over; raises nothing."""
        self._wait(_until(timeout))

    def _wait(self, until: float | None) -> bool:
        patience = self._patience("wait", until)
        if self._told is not None and (self._told.is_set() or not getattr(self._session.api, "inside", False)):
            return self._told.wait(patience.left())
        try:  # also for the callbacks inside a job, whose slot is then lent
            waiting.join(self._session.api, self._ranges, patience, ignore_errors=True)
        except CloudTimeoutError:
            return False
        except JobNotFound:
            pass  # deleted, so it was finished
        return self._told is None or self._told.wait(patience.left())

    def ready(self) -> bool:
        """Whether all jobs are finished, and callbacks called."""
        if self._told is not None:
            return self._told.is_set()
        if self._known or not any(self._ranges):
            return True
        waited = self._session.api.wait(self._ranges, timeout_seconds=0, stop_on_failure=False)
        return not waited.unfinished

    def successful(self) -> bool:
        """Whether no job failed.

        Raises:
            ValueError: not all are finished.
        """
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        self._read(None)
        return self._error is None

    def raises(self, error: CloudException) -> Exception:
        """What `get` raises for a failed job."""
        return error

    def tell(self, once: Callable[[Any, Exception | None], object]) -> None:
        """Call `once` with the result and None, or with None and the error, before anybody who waits goes on."""
        self._told = threading.Event()
        if any(self._ranges):
            self._session.watcher.watch(_Telling(self, once))
        else:
            self._deliver(once)

    def _deliver(self, once: Callable[[Any, Exception | None], object]) -> None:
        """The jobs are finished."""
        assert self._told is not None
        try:
            self._read(None)
            once(self._value, self._error)
        except BaseException:
            log.exception("A callback of %r failed", self)
        finally:
            self._told.set()

    def _read(self, until: float | None) -> None:
        """Know the outcome.

        Raises:
            PoolTimeoutError: it is not there by then.
        """
        if self._known:
            return
        api = self._session.api
        try:
            got = waiting.gather(api, self._ranges, self._patience("get", until), ignore_errors=True)
        except CloudTimeoutError as error:
            raise PoolTimeoutError(error.parameter, jid=error.jid) from None
        except CloudException as error:  # deleted in the meantime
            self._error, self._known = error, True
            return
        try:
            failed = [error_of(ended, index) for ended in got if (index := first_failure(ended)) is not None]
            if failed:
                raise failed[0]
            values = waiting.values(api, self._ranges, got, ignore_errors=False)
            self._value = values if isinstance(self.jids, Jobs) else values[0]
        except CloudException as error:
            self._error = self.raises(error)
        self._known = True

    def _give_up(self) -> None:
        """The cloud was closed before the jobs were finished."""
        if not self._known:
            self._error = CloudException(f"{self._session.where} was closed before the jobs were finished")
            self._known = True

    def _patience(self, what: str, until: float | None) -> Patience:
        left = None if until is None else max(0.0, until - time.monotonic())
        return Patience(self._session.api, f"AsyncResult.{what}", left)

    def _numbers(self) -> list[int]:
        return [jid for jids in self._ranges for jid in jids]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.jids!r}>"


def _until(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + max(0.0, timeout)


@terse
class PoolResult(AsyncResult):
    """The result that a `Pool` gives: what a job raised is raised again."""

    def raises(self, error: CloudException) -> Exception:
        """See `AsyncResult`."""
        return raised_by(error, RemoteTraceback)


class _Telling(Watch):
    """All jobs of a result."""

    def __init__(self, result: AsyncResult, once: Callable[[Any, Exception | None], object]) -> None:
        super().__init__(result._ranges)
        self._result = result
        self._once = once
        self._delivered = False

    def hear(self, ended: object, jids: range) -> None:
        self.lost(None)

    def lost(self, jid: int | None) -> None:
        if not self.missing and not self._delivered:
            self._delivered = True
            self._result._deliver(self._once)

    def closed(self) -> None:
        self._result._give_up()
        self._result._deliver(self._once)
