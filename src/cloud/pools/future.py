"""`concurrent.futures.Future` of a job. Nothing waits for it but whoever asks.

`result` and `exception` wait in the calling thread. `wait`, `as_completed` and callbacks are served by the session's
one watcher, from the moment that somebody registers.
"""

from collections.abc import Callable
from concurrent import futures
from concurrent.futures._base import CANCELLED, CANCELLED_AND_NOTIFIED, FINISHED
from typing import Any

from cloud.api import Ended
from cloud.client.jobs import Job
from cloud.client.patience import Patience
from cloud.client.roll import Watch
from cloud.client.session import Session
from cloud.client.terse import terse
from cloud.errors import CloudException, CloudTimeoutError, JobNotFound
from cloud.model import Ranges, Status
from cloud.pools.failures import outcome
from cloud.pools.submitted import unstarted_of

_OVER = (CANCELLED, CANCELLED_AND_NOTIFIED, FINISHED)


@terse
class Future(futures.Future[Any]):
    """A job as a future of the standard library.

    Attributes:
        job: its handle.
    """

    def __init__(self, job: Job, session: Session, in_words: Callable[[CloudException], Exception]) -> None:
        """`in_words` says what to raise for the error of a job."""
        super().__init__()
        self.job = job
        self._session = session
        self._in_words = in_words
        self._being_cancelled = False
        self._watched = False
        self._waiters = _Waiters(self.watch)

    # --- asked by users

    def result(self, timeout: float | None = None) -> Any:
        """What the job returned.

        Raises:
            TimeoutError: it is not there after so many seconds; 0 asks and does not wait.
            CancelledError: the job was cancelled.
            Exception: what the job raised, or `JobError` when it failed otherwise.
        """
        try:
            self._wait(timeout)
            return super().result(0)
        finally:
            del self  # the traceback of an exception must not keep the future that keeps the exception

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What `result` would raise, or None. Errors as for `result`."""
        self._wait(timeout)
        return super().exception(0)

    def done(self) -> bool:
        """Whether the job is finished or cancelled; asks the cloud as long as it is not."""
        return self._state in _OVER or self._ask(0)

    def running(self) -> bool:
        """Whether the job runs at this moment; asks the cloud."""
        if self._state in _OVER:
            return False
        try:
            return self._session.status(int(self.job)) == Status.PROCESSING.word
        except JobNotFound:
            return False

    def cancel(self) -> bool:
        """Kill the job if it has not started; whether it is cancelled now."""
        if self._state in (CANCELLED, CANCELLED_AND_NOTIFIED):
            return True
        if self.done():
            return False
        if not unstarted_of(self._session, self._jids):
            return False
        self._being_cancelled = True
        self._session.kill(int(self.job))
        self._ask(0)
        return self.cancel_locally()

    def add_done_callback(self, fn: Callable[[futures.Future[Any]], object]) -> None:
        """Call `fn` with this future when it is done, from another thread unless it is done already."""
        super().add_done_callback(fn)
        self.watch()

    # --- told by others

    def cancel_locally(self) -> bool:
        """The job was killed because this future is not wanted any more; True unless it was over before."""
        with self._condition:
            if self._state in _OVER:
                return self._state != FINISHED
            self._state = CANCELLED_AND_NOTIFIED
            self._condition.notify_all()
            for waiter in self._waiters:
                waiter.add_cancelled(self)
        self._invoke_callbacks()  # type: ignore[attr-defined]
        return True

    def settle(self, ended: Ended) -> None:
        """Take over how the job ended; what is known already stays."""
        if self._state in _OVER:
            return
        jid = int(self.job)
        if self._being_cancelled and ended.outcomes.status_of(ended.outcomes.lo + jid - ended.jid) is Status.KILLED:
            self.cancel_locally()
            return
        self._finish(*outcome(self._session, ended, jid, self._in_words))

    def lose(self) -> None:
        """The job was deleted before anybody saw how it ended."""
        self._finish(None, JobNotFound("it was deleted before its future was done", jid=int(self.job)))

    def give_up(self) -> None:
        """The cloud was closed before anybody saw how the job ended."""
        error = CloudException(f"{self._session.where} was closed before its future was done", jid=int(self.job))
        self._finish(None, error)

    def watch(self) -> None:
        """From now on be told by the session's watcher."""
        if not self._watched and self._state not in _OVER:
            self._watched = True
            self._session.watcher.watch(_Settling(self))

    def _finish(self, value: Any, error: Exception | None) -> None:
        try:
            if error is not None:
                self.set_exception(error)
            else:
                self.set_result(value)
        except futures.InvalidStateError:  # another thread was quicker
            return

    def _wait(self, timeout: float | None) -> None:
        """Until it is over.

        Raises:
            TimeoutError: it is not, after so many seconds.
        """
        if self._state in _OVER:
            return
        api, jids = self._session.api, self._jids
        seconds = None if timeout is None else max(0.0, timeout)
        try:
            with Patience(api, "Future.result", seconds) as patience:
                while not self._ask(patience.step(jids)):
                    patience.check(jids)
        except CloudTimeoutError:
            raise TimeoutError from None

    def _ask(self, timeout_seconds: float | None) -> bool:
        """Ask how the job ended, waiting so long; whether it is over."""
        try:
            answer = self._session.api.outcomes(self._jids, timeout_seconds=timeout_seconds)
        except JobNotFound:
            self.lose()
            return True
        for ended in answer:
            self.settle(ended)
        return self._state in _OVER

    @property
    def _jids(self) -> Ranges:
        jid = int(self.job)
        return (range(jid, jid + 1),)


class _Waiters(list[Any]):
    """The list in which `wait` and `as_completed` register; who registers wants to be told."""

    def __init__(self, watch: Callable[[], None]) -> None:
        super().__init__()
        self._watch = watch

    def append(self, waiter: Any) -> None:
        super().append(waiter)
        self._watch()


class _Settling(Watch):
    """The job of a future."""

    def __init__(self, future: Future) -> None:
        super().__init__(future._jids)
        self._future = future

    def hear(self, ended: Ended, jids: range) -> None:
        self._future.settle(ended)

    def lost(self, jid: int | None) -> None:
        self._future.lose()

    def closed(self) -> None:
        self._future.give_up()
