"""Tells open pages that something changed: server-sent events, one stream for each page that is looked at.

A stream says only *that* the jobs of its account changed; the page then asks for itself again and takes over what is
different. So there is one way to make a page, and a stream that breaks costs nothing but its promptness.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud.server.calls import Calls
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.rendering import HEADERS
from cloud.server.dashboard.visits import Visit
from cloud.server.dashboard.watchers import Watcher, Watchers
from cloud.server.json_answer import TextAnswer

AT_MOST_EVERY_SECONDS = 0.25
BEAT_SECONDS = 15.0
"""So often a quiet stream says that it is there, and looks whether its visit has ended."""
_HEADERS = {**HEADERS, "cache-control": "no-store", "x-accel-buffering": "no"}
OVER = b"event: over\ndata:\n\n"
_CHANGED, _BEAT = b"event: changed\ndata:\n\n", b": beat\n\n"


class LiveStream:
    """The stream that pages listen to."""

    def __init__(self, watchers: Watchers, doorway: Doorway, calls: Calls) -> None:
        self._watchers = watchers
        self._doorway = doorway
        calls.at_stop(watchers.stop)

    def routes(self) -> list[Route]:
        """The stream."""
        return [Route("/live", self._doorway.visited(self._stream), methods=["GET"])]

    async def _stream(self, request: Request, visit: Visit) -> Response:
        if request.method != "HEAD" and self._watchers.is_full(visit.caller.account):
            return TextAnswer("too many pages are open; ask again later instead of listening\n", 503)
        return stream_of(request, self._events(request, visit))

    async def _events(self, request: Request, visit: Visit) -> AsyncIterator[bytes]:
        watcher = self._watchers.add(visit.caller.account)
        try:
            yield b"retry: 2000\n\n"
            async for event in changes(watcher):
                if self._watchers.stopped or self._doorway.visit(request) is None:
                    yield OVER
                    return
                yield event
        finally:
            self._watchers.remove(watcher)


def stream_of(request: Request, events: AsyncIterator[bytes]) -> Response:
    """The answer that sends events as they come; without them if only its head is asked for."""
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type="text/event-stream")
    return StreamingResponse(events, headers=_HEADERS, media_type="text/event-stream")


async def changes(watcher: Watcher) -> AsyncIterator[bytes]:
    """An event when something changed, and a beat from time to time; without end."""
    while True:
        await _woken(watcher)
        changed, watcher.changed = watcher.changed, False
        yield _CHANGED if changed else _BEAT
        if changed:  # what else changes meanwhile is told together
            await asyncio.sleep(AT_MOST_EVERY_SECONDS)


async def _woken(watcher: Watcher) -> None:
    try:
        await asyncio.wait_for(watcher.woken.wait(), BEAT_SECONDS)
    except TimeoutError:
        pass
    watcher.woken.clear()
