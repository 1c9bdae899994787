"""`await job`: a future of the running event loop, fulfilled from the thread that watches jobs."""

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cloud.client.arguments import Jids, read_jids

if TYPE_CHECKING:
    from cloud.client.session import Session


def result_soon(session: "Session", jids: Jids) -> "asyncio.Future[Any]":
    """`session.result(jids)` as a future; nothing of the event loop is held up.

    Raises:
        RuntimeError: no event loop runs in this thread.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    ranges, _ = read_jids(jids, session.kind)

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_it(value)

    def read() -> None:
        """In the watching thread: the jobs are finished (or one failed), so this does not wait."""
        try:
            value = session.result(jids)
            outcome = functools.partial(settle, future.set_result, value)
        except BaseException as error:
            outcome = functools.partial(settle, future.set_exception, error)
        try:
            loop.call_soon_threadsafe(outcome)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    if ranges:
        session.watcher.tell(ranges, read)
    else:
        future.set_result([])
    return future
