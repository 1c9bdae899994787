"""What a session can be asked, for event loops: nothing here blocks one, and no job that is awaited takes a thread."""

# ruff: noqa: ASYNC109 (`timeout` is what it is called everywhere here, and says which jobs are unfinished)

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Literal, overload

from cloud.api import Ended
from cloud.client.arguments import Jids, read_jids, read_timeout
from cloud.client.awaiting import Loudspeaker, finished, watcher_of
from cloud.client.info import Fields
from cloud.client.iteration import ResultIterator, results_unordered
from cloud.client.jobs import Job, Jobs
from cloud.client.session import Session
from cloud.client.terse import terse, tersely_awaited
from cloud.errors import CloudException
from cloud.model import Ranges
from cloud.model.ranges import count

READ_AT_ONCE = 256
"""How many results `iresult_unordered` holds."""
_NO_MORE = object()


@terse
class Asynchronous:
    """One cloud, for event loops. Arguments and errors are those of `Session`, unless something else is said.

    Args:
        session: finds the session at each call.
    """

    def __init__(self, session: Callable[[], Session]) -> None:
        self._session = session

    def _of(self, jids: Jids) -> Session:
        """That of a handle, which may be of another cloud."""
        return jids._cloud if isinstance(jids, Job | Jobs) else self._session()

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Job:
        """`cloud.call`."""
        return await asyncio.to_thread(self._session().call, function, *args, **kwargs)

    async def map(self, function: Callable[..., Any], /, *sequences: Iterable[Any], **reserved: Any) -> Jobs:
        """`cloud.map`. The sequences are read in another thread."""
        return await asyncio.to_thread(self._session().map, function, *sequences, **reserved)

    async def join(self, jids: Jids, timeout: float | None = None, ignore_errors: bool = False) -> None:
        """`cloud.join`."""
        session = self._of(jids)
        await self._finished(session, jids, "join", timeout, ignore_errors=ignore_errors)
        await asyncio.to_thread(session.join, jids, ignore_errors=ignore_errors, progress=False)

    async def result(self, jids: Jids, timeout: float | None = None, ignore_errors: bool = False) -> Any:
        """`cloud.result`."""
        session = self._of(jids)
        await self._finished(session, jids, "result", timeout, ignore_errors=ignore_errors)
        return await asyncio.to_thread(session.result, jids, ignore_errors=ignore_errors, progress=False)

    async def _finished(
        self, session: Session, jids: Jids, name: str, timeout: float | None, *, ignore_errors: bool
    ) -> None:
        where = f"{session.where}.aio.{name}"
        ranges, _ = read_jids(jids, session.kind)
        await finished(session, ranges, where, read_timeout(timeout, where), stop_on_failure=not ignore_errors)

    def iresult(
        self, jids: Jids, timeout: float | None = None, num_in_parallel: int = 4, ignore_errors: bool = False
    ) -> "AsyncResults":
        """`cloud.iresult`, for `async for`."""
        session = self._of(jids)
        seconds = read_timeout(timeout, f"{session.where}.aio.iresult")
        return AsyncResults(
            session, session.iresult(jids, None, num_in_parallel, ignore_errors, progress=False), seconds
        )

    async def iresult_unordered(self, jids: Jids, ignore_errors: bool = False) -> AsyncIterator[tuple[Job, Any]]:
        """`cloud.iresult_unordered`, for `async for`."""
        session = self._of(jids)
        where = f"{session.where}.aio.iresult_unordered"
        ranges, _ = read_jids(jids, session.kind)
        arrivals = _Arrivals(ranges, where)
        left = count(arrivals.missing)
        watcher = await watcher_of(session)
        watcher.watch(arrivals)
        try:
            while left:
                some = await arrivals.next()
                left -= len(some)
                pairs = results_unordered(lambda: session.api, where, (some,), None, ignore_errors=ignore_errors)
                for jid, value in await asyncio.to_thread(list, pairs):
                    yield Job(jid, session.kind, "", session), value
        finally:
            watcher.forget(arrivals)

    @overload
    async def status(self, jids: int) -> str: ...
    @overload
    async def status(self, jids: Iterable[int | range]) -> list[str]: ...
    async def status(self, jids: Jids) -> str | list[str]:
        """`cloud.status`."""
        found: str | list[str] = await asyncio.to_thread(self._of(jids).status, jids)
        return found

    async def info(self, jids: Jids, info_requested: Fields = None) -> dict[int, dict[str, Any]]:
        """`cloud.info`."""
        return await asyncio.to_thread(self._of(jids).info, jids, info_requested)

    @overload
    def output(self, jid: int, stream: str = "stdout", *, follow: Literal[False] = False) -> Awaitable[str]: ...
    @overload
    def output(self, jid: int, stream: str = "stdout", *, follow: Literal[True]) -> AsyncIterator[str]: ...
    def output(self, jid: int, stream: str = "stdout", *, follow: bool = False) -> Awaitable[str] | AsyncIterator[str]:
        """`cloud.output`: to be awaited; with `follow`, for `async for`, and a thread follows the job meanwhile."""
        session = self._of(jid)
        if follow:
            return _in_a_thread(session.output(jid, stream, follow=True))
        return asyncio.to_thread(session.output, jid, stream)

    async def why(self, jid: int) -> str:
        """`cloud.why`."""
        return await asyncio.to_thread(self._of(jid).why, jid)

    async def stack(self, jid: int) -> str:
        """`cloud.stack`."""
        return await asyncio.to_thread(self._of(jid).stack, jid)

    @overload
    async def rerun(self, jids: int) -> Job: ...
    @overload
    async def rerun(self, jids: Iterable[int | range]) -> Jobs | list[Jobs]: ...
    async def rerun(self, jids: Jids) -> Job | Jobs | list[Jobs]:
        """`cloud.rerun`."""
        found: Job | Jobs | list[Jobs] = await asyncio.to_thread(self._of(jids).rerun, jids)
        return found

    async def kill(self, jids: Jids | None = None, *, force: bool = False) -> None:
        """`cloud.kill`."""
        session = self._session() if jids is None else self._of(jids)
        await asyncio.to_thread(session.kill, jids, force=force)

    async def delete(self, jids: Jids) -> None:
        """`cloud.delete`."""
        await asyncio.to_thread(self._of(jids).delete, jids)


class AsyncResults(AsyncIterator[Any]):
    """Results in the order of the jids. A failed job raises when its turn comes, and the iterator goes on behind it;
    after a timeout it can be asked again."""

    def __init__(self, session: Session, results: ResultIterator, timeout_seconds: float | None) -> None:
        self._session = session
        self._results = results
        self._timeout_seconds = timeout_seconds

    @tersely_awaited
    async def __anext__(self) -> Any:
        results = self._results
        if results.opened:
            return next(results)
        due = results.due()
        if due is not None:
            where = f"{self._session.where}.aio.iresult"
            await finished(
                self._session, (range(due, due + 1),), where, self._timeout_seconds, stop_on_failure=False
            )  # fmt: skip
        value = await asyncio.to_thread(next, results, _NO_MORE)
        if value is _NO_MORE:
            raise StopAsyncIteration
        return value


class _Arrivals(Loudspeaker):
    """Jids of jobs as they finish, a few hundred at a time."""

    def __init__(self, jids: Ranges, where: str) -> None:
        super().__init__(jids)
        self._where = where
        self._queue: asyncio.Queue[object] = asyncio.Queue()

    async def next(self) -> range:
        """Some that are finished, or are not there."""
        news = await self._queue.get()
        if isinstance(news, range):
            return news
        assert isinstance(news, CloudException)
        raise news

    def hear(self, ended: Ended, jids: range) -> None:
        for start in range(0, len(jids), READ_AT_ONCE):
            self.say(jids[start : start + READ_AT_ONCE])

    def lost(self, jid: int | None) -> None:
        if jid is not None:
            self.say(range(jid, jid + 1))

    def unanswered(self, error: CloudException) -> None:
        self.say(error)

    def closed(self) -> None:
        self.say(CloudException(f"{self._where}: the cloud was closed before the jobs were finished"))

    def take(self, *news: object) -> None:
        self._queue.put_nowait(news[0])


async def _in_a_thread(pieces: Iterator[str]) -> AsyncIterator[str]:
    """What an iterator yields that waits for long; when nobody wants more, its thread ends at the next piece."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[str, BaseException | None]] = asyncio.Queue()
    given_up = threading.Event()

    def read() -> None:
        end: BaseException = StopAsyncIteration()
        try:
            for piece in pieces:
                if given_up.is_set():
                    return
                loop.call_soon_threadsafe(queue.put_nowait, (piece, None))
        except BaseException as error:
            end = error
        try:
            loop.call_soon_threadsafe(queue.put_nowait, ("", end))
        except RuntimeError:  # the loop was closed: nobody wants to know
            return

    threading.Thread(target=read, name="cloud-follow", daemon=True).start()
    try:
        while True:
            piece, end = await queue.get()
            if isinstance(end, StopAsyncIteration):
                return
            if end is not None:
                raise end
            yield piece
    finally:
        given_up.set()
