"""Work that may take long, beside the event loop: in a few threads, which end with the process."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from cloud.errors import CloudException
from cloud.model import Buffer
from cloud.wire import calls

log = logging.getLogger("cloud.server")
A = TypeVar("A")

MOST_THREADS = 8
MOST_OPEN = 200
"""Calls that are carried out or wait for it; a store that does not answer keeps each for minutes."""


class Aside:
    """Carries out calls in the order in which they came, some at a time. Its methods are called in the loop's thread.

    The threads are daemons: a server that ends does not wait for a store that does not answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._open = 0
        self._threads = 0

    def run(self, work: Callable[[], A]) -> asyncio.Future[A]:
        """What it returns or raises, later."""
        future: asyncio.Future[A] = self._loop.create_future()
        self._open += 1
        if self._threads < min(self._open, MOST_THREADS):
            self._threads += 1
            threading.Thread(target=self._work, name="picloud-aside", daemon=True).start()
        self._calls.put(lambda: self._carry_out(work, future))
        return future

    @property
    def crowded(self) -> bool:
        """Whether so much waits already that more would only fill memory and disk."""
        return self._open >= MOST_OPEN

    def then(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Go on with what it returns; what it raises is logged."""

        def go_on(done: asyncio.Future[Any]) -> None:
            error = done.exception()
            if isinstance(error, CloudException):
                log.warning("left for later: %s", error)
            elif error is not None:
                log.error("a fault while blobs were looked after", exc_info=error)
            else:
                then(done.result())

        self.run(work).add_done_callback(go_on)

    def answer(self, work: Callable[[], list[Buffer]], reply: Callable[[list[Buffer]], None]) -> None:
        """Reply with what it returns; what it raises is told to the asker."""

        def tell(done: asyncio.Future[list[Buffer]]) -> None:
            try:
                reply(done.result())
            except CloudException as error:
                reply(calls.failed(error))
            except Exception as error:
                log.exception("a fault while blobs were read")
                reply(calls.failed(CloudException(f"a fault in the server: {error!r}; its log says where")))

        self.run(work).add_done_callback(tell)

    def _work(self) -> None:
        while True:
            self._calls.get()()

    def _carry_out(self, work: Callable[[], A], future: "asyncio.Future[A]") -> None:
        try:
            end = _returning(future, work())
        except Exception as error:
            end = _raising(future, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            self._loop.call_soon_threadsafe(self._end, end)

    def _end(self, end: Callable[[], None]) -> None:
        self._open -= 1
        end()


def _returning(future: "asyncio.Future[A]", value: A) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(value)


def _raising(future: "asyncio.Future[A]", error: Exception) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_exception(error)
