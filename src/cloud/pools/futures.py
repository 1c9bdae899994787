"""`cloud.Executor`: a `concurrent.futures.Executor` whose futures are jobs."""

import contextlib
import math
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent import futures
from typing import Any

from cloud.client.iteration import ResultIterator
from cloud.client.jobs import Jobs
from cloud.client.terse import terse
from cloud.errors import CloudException, CloudTimeoutError
from cloud.pickling import CannotPickle
from cloud.pools.failures import raised_by, unpicklable
from cloud.pools.future import Future
from cloud.pools.initializer import InitializerFailed, prepared_by
from cloud.pools.submitted import Submitted, unstarted_of
from cloud.pools.whose import as_number, check_reserved, session_of

_SHORTEST_SECONDS = 1e-6
"""What asks without waiting: to `iresult`, 0 means no limit."""


@terse
class Executor(futures.Executor):
    """Runs functions as jobs of a cloud; its futures work with `wait`, `as_completed` and `asyncio.wrap_future`.

    Args:
        max_workers: checked, and limits nothing. A job is the server's when `submit` returns, so that it outlives this
            program, and runs as soon as a slot is free; held back here it would be lost with the program. To run fewer
            at a time: `_cores` (a job takes more slots), the limit of slots of an account, fewer workers
            (`PICLOUD_WORKERS`), or `wait(..., FIRST_COMPLETED)` before the next `submit`
            (docs/how-to/multiprocessing.md, "At most so many at a time").
        cloud: `cloud` (the default: the active one) or `cloud.mp`.
        initializer, initargs: called in each worker process before its first job of this executor. If it fails, the
            executor is broken, and says so with `BrokenExecutor`.
        reserved: keywords of `cloud.call` for every job (`_label`, `_priority`, ...); `submit` takes them too.

    Raises:
        TypeError, ValueError: an argument is wrong.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        cloud: Any = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        **reserved: Any,
    ) -> None:
        if max_workers is not None and as_number(max_workers, "max_workers") <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._max_workers = max_workers
        self._reserved = check_reserved(reserved, "Executor")
        self._session = session_of(cloud)
        self._prepared = prepared_by(initializer, initargs)
        self._submitted = Submitted(self._session)
        self._lock = threading.Lock()
        self._futures: weakref.WeakValueDictionary[int, Future] = weakref.WeakValueDictionary()
        self._ended = False
        self._broken = ""
        """Why it is, if it is."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        """A job that calls `fn(*args, **kwargs)`.

        Raises:
            RuntimeError: after `shutdown`.
            BrokenExecutor: the initializer failed.
            TypeError: `fn` does not take these arguments, or a reserved keyword is wrong.
            Exception: whatever pickling raises.
        """
        self._check()
        with _in_users_words():
            job = self._session.call(self._prepared(fn), *args, **{**self._reserved, **kwargs})
        self._submitted.add(range(job.jid, job.jid + 1))
        future = Future(job, self._session, self._in_words)
        with self._lock:
            self._futures[job.jid] = future
        return future

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Results of `fn` over the iterables, in order, as long as the shortest; all jobs start at once.

        Args:
            timeout: seconds from now on in which each result must come.
            chunksize: at least 1, and else ignored: jobs travel in chunks by themselves.

        Raises:
            TimeoutError: (when iterating) a result did not come in time.
            Exception: (when iterating) what the job raised; jobs behind it that do not run yet are killed.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        until = math.inf if timeout is None else time.monotonic() + timeout
        self._check()
        with _in_users_words():
            jobs = self._session.map_unchecked(self._prepared(fn), *_cut(iterables), **self._reserved)
        self._submitted.add(jobs.as_range)
        return self._results(jobs, self._session.iresult(jobs), until)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; wait for the jobs, or kill those that do not run yet, or both. What runs goes on."""
        self._ended = True
        if cancel_futures:
            for jids in self._submitted.kill_unstarted():
                with self._lock:
                    found = [future for jid, future in self._futures.items() if jid in jids]
                for future in found:
                    future.cancel_locally()
        if wait:
            self._submitted.wait()

    def kill(self) -> None:
        """Take no more, and kill all jobs that are not finished, those that run as well."""
        self._ended = True
        self._submitted.kill()

    def _check(self) -> None:
        if self._broken:
            raise futures.BrokenExecutor(self._broken)
        if self._ended:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def _in_words(self, error: CloudException) -> Exception:
        """What to raise for the error of a job."""
        from concurrent.futures.process import _RemoteTraceback

        raised = raised_by(error, _RemoteTraceback)
        if not isinstance(raised, InitializerFailed):
            return raised
        self._broken = str(raised)
        broken = futures.BrokenExecutor(self._broken)
        broken.__cause__ = raised
        return broken

    def _results(self, jobs: Jobs, results: ResultIterator, until: float) -> Generator[Any, None, None]:
        left = len(jobs)
        try:
            while left:
                seconds = None if until == math.inf else max(_SHORTEST_SECONDS, until - time.monotonic())
                left -= 1
                yield self._next(results, seconds)
        finally:
            if left:
                self._kill_unstarted(jobs.as_range[-left:])

    def _next(self, results: ResultIterator, seconds: float | None) -> Any:
        try:
            return results.next(seconds)
        except CloudTimeoutError:
            raise TimeoutError from None
        except CloudException as error:
            raised = self._in_words(error)
        raise raised

    def _kill_unstarted(self, jids: range) -> None:
        unstarted = unstarted_of(self._session, (jids,))
        if unstarted:
            self._session.kill(unstarted)


@contextlib.contextmanager
def _in_users_words() -> Iterator[None]:
    """Raise what pickling raised, as executors do."""
    try:
        yield
    except CannotPickle as refusal:
        raise unpicklable(refusal) from refusal


def _cut(iterables: tuple[Iterable[Any], ...]) -> list[Iterable[Any]]:
    """Of one length: that of the shortest. `cloud.map` would fill them up with None."""
    if len(iterables) == 1:
        only = iterables[0]
        return [list(only) if isinstance(only, (str, bytes, bytearray)) else only]
    rows = list(zip(*iterables, strict=False))
    return [list(column) for column in zip(*rows, strict=True)] or [[]]
