"""`cloud.pool_interface.Pool`: the `multiprocessing.Pool` whose worker processes are a cloud's."""

import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from cloud.client.jobs import Job, Jobs
from cloud.client.terse import terse
from cloud.pickling import CannotPickle
from cloud.pools.failures import unpicklable
from cloud.pools.feeding import Feed
from cloud.pools.initializer import Starred, prepared_by
from cloud.pools.iterators import OrderedIterator, PoolIterator, UnorderedIterator
from cloud.pools.result import PoolResult
from cloud.pools.submitted import Submitted
from cloud.pools.whose import as_number, check_reserved, session_of

Callback = Callable[[Any], object]


@terse
class Pool:
    """What `multiprocessing.Pool` offers, as jobs of a cloud.

    Args:
        processes: checked, and limits nothing: as `max_workers` of `cloud.Executor`, which says what does.
        initializer, initargs: called in each worker process before its first job of this pool.
        maxtasksperchild: with 1, each job gets a worker process of its own; larger numbers are accepted.
        context: accepted; how processes are started is the cloud's affair.
        cloud: `cloud` (the default: the active one) or `cloud.mp`.
        reserved: keywords of `cloud.call` for every job (`_label`, `_priority`, ...).

    Raises:
        TypeError, ValueError: an argument is wrong.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        cloud: Any = None,
        **reserved: Any,
    ) -> None:
        if processes is not None and as_number(processes, "processes") < 1:
            raise ValueError("Number of processes must be at least 1")
        given: object = maxtasksperchild
        if given is not None and (not isinstance(given, int) or given <= 0):
            raise ValueError("maxtasksperchild must be a positive int or None")
        self._reserved = check_reserved(reserved, "Pool")
        if maxtasksperchild == 1:
            self._reserved.setdefault("_kill_process", True)
        self._session = session_of(cloud)
        self._prepared = prepared_by(initializer, initargs)
        self._submitted = Submitted(self._session)
        self._feeds: weakref.WeakSet[Feed] = weakref.WeakSet()
        self._word = "running"

    # --- one job

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None) -> Any:
        """`func(*args, **kwds)`, computed by a job; raises what it raises."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> PoolResult:
        """The same, to be asked for later; callbacks get the result, or the exception, in another thread.

        Raises:
            ValueError: the pool was closed.
            TypeError: `func` does not take these arguments.
            Exception: whatever pickling raises.
        """
        self._check()
        try:
            job = self._session.call(self._prepared(func), *args, **{**self._reserved, **(kwds or {})})
        except CannotPickle as refusal:
            raise unpicklable(refusal) from refusal
        return self._result(job, range(job.jid, job.jid + 1), callback, error_callback)

    # --- many

    def map(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        """`func` of each item, in order, once all jobs are finished; raises what the first failed one raised."""
        results: list[Any] = self.map_async(func, iterable, chunksize).get()
        return results

    def map_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> PoolResult:
        """The same, to be asked for later; callbacks get the list, or the exception. Errors as for `apply_async`.

        `chunksize` means nothing here: jobs travel in chunks by themselves.
        """
        self._check()
        jobs = self._map(self._prepared(func), iterable)
        return self._result(jobs, jobs.as_range, callback, error_callback)

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: int | None = None
    ) -> list[Any]:
        """`map` for items that are tuples of arguments."""
        results: list[Any] = self.starmap_async(func, iterable, chunksize).get()
        return results

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> PoolResult:
        """`map_async` for items that are tuples of arguments."""
        return self.map_async(Starred(func), iterable, chunksize, callback, error_callback)

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> PoolIterator:
        """An iterator over results in order, each as soon as it is there. The iterable may be endless.

        Args:
            chunksize: items are submitted in multiples of it.
        """
        return OrderedIterator(self._session, self._feed(func, iterable, chunksize), remote_errors=True)

    def imap_unordered(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> PoolIterator:
        """The same in the order in which jobs finish."""
        return UnorderedIterator(self._session, self._feed(func, iterable, chunksize), remote_errors=True)

    # --- the end

    def close(self) -> None:
        """Take no more."""
        if self._word == "running":
            self._word = "closed"
            for feed in list(self._feeds):
                feed.lift()

    def terminate(self) -> None:
        """Take no more, and kill what is not finished."""
        self._word = "terminated"
        for feed in list(self._feeds):
            feed.stop()
        self._submitted.kill()

    def join(self) -> None:
        """Wait until all jobs are finished.

        Raises:
            ValueError: the pool was not closed.
        """
        if self._word == "running":
            raise ValueError("Pool is still running")
        for feed in list(self._feeds):
            feed.wait()
        self._submitted.wait()

    def __enter__(self) -> Self:
        self._check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.terminate()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._session.where}, {self._word}>"

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def _check(self) -> None:
        if self._word != "running":
            raise ValueError("Pool not running")

    def _map(self, function: Callable[..., Any], items: Iterable[Any]) -> Jobs:
        if isinstance(items, (str, bytes, bytearray)):
            items = list(items)
        try:
            return self._session.map_unchecked(function, items, **self._reserved)
        except CannotPickle as refusal:
            raise unpicklable(refusal) from refusal

    def _feed(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int) -> Feed:
        self._check()
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        function = self._prepared(func)

        def submit(items: Sequence[Any]) -> Jobs:
            jobs = self._map(function, items)
            self._submitted.add(jobs.as_range)
            return jobs

        feed = Feed(submit, iterable, chunksize)
        self._feeds.add(feed)
        return feed

    def _result(
        self, jids: Job | Jobs, numbers: range, callback: Callback | None, error_callback: Callback | None
    ) -> PoolResult:
        self._submitted.add(numbers)
        result = PoolResult(jids, self._session)
        if callback is not None or error_callback is not None:

            def once(value: Any, error: Exception | None) -> None:
                if error is None and callback is not None:
                    callback(value)
                elif error is not None and error_callback is not None:
                    error_callback(error)

            result.tell(once)
        return result
