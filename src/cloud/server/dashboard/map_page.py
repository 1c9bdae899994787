"""The page of a map: all of its jobs at a glance, and what stands out."""

import asyncio
import zlib

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cloud.dispatch.counting import GONE, codes_in
from cloud.dispatch.ports import Store
from cloud.model import Status, Stretch, Submission
from cloud.server.dashboard import forms
from cloud.server.dashboard.chosen import SLICE
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.listing import row_of
from cloud.server.dashboard.map_numbers import MapNumbers
from cloud.server.dashboard.rendering import HEADERS
from cloud.server.dashboard.visits import Visit


class MapPage:
    """Shows a map."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway
        self._numbers = MapNumbers(desk.store)

    def routes(self) -> list[Route]:
        """The page, and the statuses of its jobs."""
        return [
            Route("/maps/{jid}", self._doorway.visited(self._map), methods=["GET"]),
            Route("/maps/{jid}/statuses", self._doorway.visited(self._statuses), methods=["GET"]),
        ]

    async def _map(self, request: Request, visit: Visit) -> Response:
        jid = forms.jid_in(request)
        submission = self._desk.submission(jid, visit)
        if submission.count == 1:
            return RedirectResponse(forms.upwards(request, f"jobs/{jid}"), 303)
        if jid != submission.jids.start:
            return RedirectResponse(forms.upwards(request, f"maps/{submission.jids.start}"), 303)
        row = row_of(self._desk.store, submission)
        numbers = await self._numbers.of(submission, row.counts)
        failed = sum(row.counts.get(status.word, 0) for status in Status if status.failed)
        return self._desk.page(
            request, "map.html", visit, here="jobs", submission=submission, spec=submission.spec, row=row,
            failed=failed, numbers=numbers, back=f"maps/{jid}", deleted=submission.count - row.total,
        )  # fmt: skip

    async def _statuses(self, request: Request, visit: Visit) -> Response:
        """A byte per job, its `Status`, from the index 'lo' until 'hi'."""
        submission = self._desk.submission(forms.jid_in(request), visit)
        asked = request.query_params
        lo, hi = _index(asked.get("lo", ""), 0), _index(asked.get("hi", ""), submission.count)
        indices = range(min(lo, submission.count), min(hi, submission.count))
        data = await packed_statuses(self._desk.store, submission, indices)
        headers = {**HEADERS, "cache-control": "no-store", "content-encoding": "gzip"}
        return Response(data, media_type="application/octet-stream", headers=headers)


async def packed_statuses(store: Store, submission: Submission, indices: range) -> bytes:
    """A byte per job, its `Status`, `DELETED` for what is not there any more; compressed with gzip."""
    gzip = zlib.compressobj(1, zlib.DEFLATED, 31)
    data = b""
    for lo in range(indices.start, indices.stop, SLICE):
        codes = codes_in(store, Stretch(submission.sid, lo, min(lo + SLICE, indices.stop)))
        data += gzip.compress(codes.replace(bytes([GONE]), bytes([Status.DELETED])))
        await asyncio.sleep(0)
    return data + gzip.flush()


def _index(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else otherwise
