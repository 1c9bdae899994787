"""Waiting in an event loop: futures that the thread which watches jobs fulfils, however many there are."""

import asyncio
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING

from cloud.api import Ended
from cloud.client.inside import inside_channel
from cloud.client.patience import unfinished
from cloud.client.roll import Watch
from cloud.errors import CloudException, CloudTimeoutError
from cloud.model import Ranges
from cloud.model.ranges import normal

if TYPE_CHECKING:
    from cloud.client.callbacks import Watcher
    from cloud.client.session import Session

_LENT: dict[int, dict[Watch, Ranges]] = {}
"""Inside a job: what each thread's event loop waits for."""


async def watcher_of(session: "Session") -> "Watcher":
    """The session's, which is opened where that holds up no event loop."""
    if session.watches:
        return session.watcher
    return await asyncio.to_thread(lambda: session.watcher)


async def finished(
    session: "Session", jids: Ranges, where: str, timeout_seconds: float | None, *, stop_on_failure: bool
) -> None:
    """Return when all of the jobs are finished, or with `stop_on_failure` one failed, or one that is not there is met:
    asking for them does not wait any more. To be cancelled ends the waiting, and no job.

    Raises:
        CloudTimeoutError: the time is over; `jid` lists the unfinished.
        CloudException: the cloud was closed meanwhile, or cannot be reached.
    """
    watch = _Finishing(jids, where, stop_on_failure=stop_on_failure)
    if not watch.missing:
        return
    watcher = await watcher_of(session)
    _lend(session, watch)
    try:
        watcher.watch(watch)
        async with asyncio.timeout(timeout_seconds):
            await watch.future
    except TimeoutError:
        raise CloudTimeoutError(f"{where} timed out", jid=unfinished(watch.missing)) from None
    finally:
        watcher.forget(watch)
        _take_back(watch)


class Loudspeaker(Watch):
    """A watch that tells an event loop, the one that runs where it is made."""

    def __init__(self, jids: Ranges) -> None:
        super().__init__(jids)
        self._loop = asyncio.get_running_loop()

    def say(self, *news: object) -> None:
        """Have `take` called with these in the event loop."""
        try:
            self._loop.call_soon_threadsafe(self.take, *news)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    @abstractmethod
    def take(self, *news: object) -> None:
        """Hear what was said, in the event loop."""


class _Finishing(Loudspeaker):
    """All of them, or the first failure."""

    def __init__(self, jids: Ranges, where: str, *, stop_on_failure: bool) -> None:
        super().__init__(jids)
        self.future: asyncio.Future[None] = self._loop.create_future()
        self._where = where
        self._stop_on_failure = stop_on_failure

    def hear(self, ended: Ended, jids: range) -> None:
        if not self.missing or (self._stop_on_failure and _any_failed(ended, jids)):
            self.say(None)

    def lost(self, jid: int | None) -> None:
        self.say(None)

    def unanswered(self, error: CloudException) -> None:
        self.say(error)

    def closed(self) -> None:
        self.say(CloudException(f"{self._where}: the cloud was closed before the jobs were finished"))

    def take(self, *news: object) -> None:
        if self.future.done():
            return
        if isinstance(news[0], CloudException):
            self.future.set_exception(news[0])
        else:
            self.future.set_result(None)


def _any_failed(ended: Ended, jids: range) -> bool:
    outcomes = ended.outcomes
    return any(outcomes.status_of(outcomes.lo + jid - ended.jid).failed for jid in jids)


def _lend(session: "Session", watch: Watch) -> None:
    """Inside a job of this very cloud: its slot is for others as long as anything is awaited (DESIGN D12)."""
    channel = inside_channel()
    if channel is not None and getattr(session.api, "inside", False):
        waits = _LENT.setdefault(threading.get_ident(), {})
        waits[watch] = watch.missing
        channel.waiting(normal(jids for ranges in waits.values() for jids in ranges))


def _take_back(watch: Watch) -> None:
    waits = _LENT.get(threading.get_ident(), {})
    if waits.pop(watch, None) is not None and not waits:
        channel = inside_channel()
        if channel is not None:
            channel.resumed()
