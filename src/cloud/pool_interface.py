"""A near duplicate of `multiprocessing.Pool`'s interface on the active cloud.

Functions at the level of the module are PiCloud's: they need no pool, and errors are `CloudException`. `Pool` is the
class of `multiprocessing`, whose programs run unchanged but for the import.

    from cloud.pool_interface import Pool
    with Pool() as pool:
        print(pool.map(f, range(1000)))
"""

from collections.abc import Callable, Iterable
from typing import Any

from cloud.client.reserved import Callback
from cloud.pools.failures import PoolTimeoutError
from cloud.pools.feeding import Feed
from cloud.pools.iterators import OrderedIterator, PoolIterator, UnorderedIterator
from cloud.pools.pool import Pool
from cloud.pools.result import AsyncResult
from cloud.pools.whose import session_of

__all__ = [
    "AsyncResult", "Pool", "PoolTimeoutError", "apply", "apply_async", "imap", "imap_unordered", "map", "map_async",
]  # fmt: skip


def apply(func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None) -> Any:
    """`func(*args, **kwds)`, computed by a job. Errors as for `cloud.call` and `cloud.result`."""
    return apply_async(func, args, kwds).get()


def apply_async(
    func: Callable[..., Any],
    args: Iterable[Any] = (),
    kwds: dict[str, Any] | None = None,
    callback: Callback | list[Callback] | None = None,
    error_callback: Callback | list[Callback] | None = None,
) -> AsyncResult:
    """A job that calls `func(*args, **kwds)`. Callbacks and errors are those of `cloud.call`: callbacks get the jid."""
    session = session_of(None)
    told = _callbacks(callback, error_callback)
    return AsyncResult(session.call(func, *args, **{**(kwds or {}), **told}), session)


def map(func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
    """`func` of each item, in order, once all jobs are finished; `chunksize` means nothing. Errors: `cloud.result`."""
    results: list[Any] = map_async(func, iterable, chunksize).get()
    return results


def map_async(
    func: Callable[..., Any],
    iterable: Iterable[Any],
    chunksize: int | None = None,
    callback: Callback | list[Callback] | None = None,
    error_callback: Callback | list[Callback] | None = None,
) -> AsyncResult:
    """The same, to be asked for later. Callbacks are those of `cloud.map`: they get the jid of each job."""
    session = session_of(None)
    return AsyncResult(session.map_unchecked(func, iterable, **_callbacks(callback, error_callback)), session)


def imap(func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> PoolIterator:
    """An iterator over results in order, each as soon as it is there; the iterable may be endless.

    Its `next(timeout)` raises `PoolTimeoutError`, and the `CloudException` of a failed job where its turn comes.
    """
    session = session_of(None)
    feed = Feed(lambda items: session.map_unchecked(func, items), iterable, chunksize)
    return OrderedIterator(session, feed, remote_errors=False)


def imap_unordered(func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> PoolIterator:
    """The same in the order in which jobs finish."""
    session = session_of(None)
    feed = Feed(lambda items: session.map_unchecked(func, items), iterable, chunksize)
    return UnorderedIterator(session, feed, remote_errors=False)


def _callbacks(callback: Any, error_callback: Any) -> dict[str, Any]:
    given = {"_callback": callback, "_callback_on_error": error_callback}
    return {name: value for name, value in given.items() if value is not None}
