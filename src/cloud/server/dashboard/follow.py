"""What a job writes, to its open page, as it is written: one stream of server-sent events for all of its outputs.

Events are called "output", and are JSON: {"stream", "attempt", "start", "text"}, `start` being the position of the
first byte; then one "end". The id of an event says how far each output has come, so that a browser that lost the
connection goes on where it was. Between them is what `live` tells, since a page holds one stream only.
"""

import asyncio
import codecs
import json
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.api import STREAMS, OutputPiece
from cloud.errors import CloudException
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.live import OVER, changes, stream_of
from cloud.server.dashboard.visits import Visit
from cloud.server.dashboard.watchers import Watcher
from cloud.server.json_answer import TextAnswer
from cloud.wire import calls as wire_calls

LOOK_AROUND_SECONDS = 15.0
"""So often a quiet output is asked for anew."""
MOST_OF_ONE_ACCOUNT = 30
"""Open streams. Who finds no room sees the output when the page renews itself."""
EVENT_BYTES = 128 << 10
PAUSE_SECONDS = 0.1
"""Behind a full event: of a job that writes faster than anybody reads, the page gets the end from time to time."""
_SEEN = re.compile(r"([a-z]+)=(\d{1,18})@(\d{1,9})")


log = logging.getLogger("cloud.server")


@dataclass(frozen=True, slots=True)
class _At:
    """How far an output has come."""

    start: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class _News:
    """A piece of text of one output, maybe none, or its end."""

    stream: str
    reached: _At
    start: int = 0
    text: str = ""
    over: bool = False
    """Nothing comes behind this."""
    lost: bool = False
    """It is over because the server stops: the browser shall ask again."""


_Queue = asyncio.Queue[_News | bytes]
"""Bytes are an event as it is sent."""


class OutputStream:
    """The streams that pages of jobs listen to."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway
        self._open: Counter[int] = Counter()

    def routes(self) -> list[Route]:
        """The stream of a job."""
        return [Route("/jobs/{jid}/live", self._doorway.visited(self._stream), methods=["GET"])]

    async def _stream(self, request: Request, visit: Visit) -> Response:
        jid = forms.jid_in(request)
        self._desk.submission(jid, visit)
        account = visit.caller.account
        full = self._open[account] >= MOST_OF_ONE_ACCOUNT or self._desk.watchers.is_full(account)
        if full and request.method != "HEAD":
            return TextAnswer("too many pages are open; reload this one to see what is new\n", 503)
        return stream_of(request, self._events(request, visit, jid))

    async def _events(self, request: Request, visit: Visit, jid: int) -> AsyncIterator[bytes]:
        at = dict.fromkeys(STREAMS, _At())
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        for stream, start, attempt in _SEEN.findall(seen):
            if stream in at:
                at[stream] = _At(int(start), int(attempt))
        queue = _Queue(maxsize=4)  # whoever reads slowly is waited for
        account = visit.caller.account
        watcher = self._desk.watchers.add(account)
        tellers = [asyncio.ensure_future(self._follow(visit, jid, stream, at[stream], queue)) for stream in STREAMS]
        tellers.append(asyncio.ensure_future(_tell_changes(watcher, queue)))
        left, lost = len(STREAMS), False
        self._open[account] += 1
        try:
            yield b"retry: 2000\n\n"
            while left:
                news = await queue.get()
                if self._doorway.visit(request) is None:
                    yield OVER
                    return
                if isinstance(news, bytes):
                    yield news
                    continue
                at[news.stream] = news.reached
                left -= news.over
                lost |= news.lost
                yield _event(news, at) if news.text else b": beat\n\n"
            if not lost:
                yield b"event: end\ndata:\n\n"
        finally:
            self._open[account] -= 1
            self._desk.watchers.remove(watcher)
            for teller in tellers:
                teller.cancel()

    async def _follow(self, visit: Visit, jid: int, stream: str, asked: _At, queue: _Queue) -> None:
        """Until the job has written its last, or the server stops, or the job is gone."""
        lost = False
        try:
            ended = False
            decoder = _Decoder()
            while not ended:
                piece = await self._ask(visit, jid, stream, asked)
                if (piece.start, piece.attempt) != (asked.start, asked.attempt):
                    decoder = _Decoder()
                reached = asked = _At(piece.start + len(piece.data), piece.attempt)
                ended = piece.ended
                for lo in range(0, len(piece.data), EVENT_BYTES):
                    start, data = piece.start + lo - decoder.held, bytes(piece.data[lo : lo + EVENT_BYTES])
                    text = decoder.decode(data, final=ended and lo + len(data) == len(piece.data))
                    reached = _At(piece.start + lo + len(data) - decoder.held, piece.attempt)
                    await queue.put(_News(stream, reached, start, text))
                if len(piece.data) >= EVENT_BYTES and not ended:
                    await asyncio.sleep(PAUSE_SECONDS)
                if not piece.data and not ended:
                    await queue.put(_News(stream, reached))
        except CloudException as error:  # the job was deleted, for one
            lost = error.retry
        except Exception:
            log.exception("a fault while following the output of job %d", jid)
        await queue.put(_News(stream, asked, over=True, lost=lost))

    async def _ask(self, visit: Visit, jid: int, stream: str, asked: _At) -> OutputPiece:
        question = wire_calls.output(jid, stream, asked.start, asked.attempt, LOOK_AROUND_SECONDS)
        return wire_calls.read_output_piece(*await self._desk.ask(question, visit))


async def _tell_changes(watcher: Watcher, queue: _Queue) -> None:
    async for event in changes(watcher):
        await queue.put(event)


class _Decoder:
    """UTF-8 in pieces that may end inside a character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, data: bytes, *, final: bool) -> str:
        """What can be read by now."""
        return self._decoder.decode(data, final)

    @property
    def held(self) -> int:
        """Bytes of a character whose rest is missing."""
        return len(self._decoder.getstate()[0])


def _event(news: _News, at: dict[str, _At]) -> bytes:
    seen = ",".join(f"{stream}={reached.start}@{reached.attempt}" for stream, reached in at.items())
    told = {"stream": news.stream, "attempt": news.reached.attempt, "start": news.start, "text": news.text}
    return f"event: output\nid: {seen}\ndata: {json.dumps(told)}\n\n".encode()
