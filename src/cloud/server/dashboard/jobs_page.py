"""The Jobs page: submissions, newest first, found by what is in its address."""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.model import Status
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.listing import Row, list_submissions
from cloud.server.dashboard.some_jobs import SomeJobs, some_jobs
from cloud.server.dashboard.visits import Visit

_WORDS = ("processing", "queued", "waiting", "done", "error", "killed", "stalled")
_MOST_OPEN = 10
_SHOWN = 12
"""How many jobs of an open row are shown."""
assert set(_WORDS) == {status.word for status in Status if status is not Status.DELETED}


class JobsPage:
    """Lists what was submitted."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """The page."""
        return [Route("/jobs", self._doorway.visited(self._jobs), methods=["GET"])]

    async def _jobs(self, request: Request, visit: Visit) -> Response:
        wanted = forms.wanted_in(request)
        page = await list_submissions(self._desk.store, visit.caller.account, wanted)
        asked = [(name, value) for name, value in request.query_params.multi_items() if value]
        search = [(name, value) for name, value in asked if name not in ("before", "open")]
        opened = {value for name, value in asked if name == "open"}
        return self._desk.page(
            request, "jobs.html", visit, here="jobs", page=page, wanted=wanted, words=_WORDS, asked=dict(asked),
            older=urlencode([*search, ("before", page.before)]), newest=urlencode(search), search=urlencode(search),
            by_status={word: _with(search, status=word) for word in ("", *_WORDS)},
            opened=await self._open(page.rows, opened),
            toggles={row.submission.sid: _toggled(asked, row.submission.sid) for row in page.rows},
            back="jobs" + (f"?{request.url.query}" if request.url.query else ""),
        )  # fmt: skip

    async def _open(self, rows: Iterable[Row], opened: set[str]) -> dict[int, SomeJobs]:
        """What is inside the rows that are open, by sid."""
        found: dict[int, SomeJobs] = {}
        for row in rows:
            if str(row.submission.sid) in opened and len(found) < _MOST_OPEN:
                found[row.submission.sid] = some_jobs(self._desk.store, row.submission, row.first, _SHOWN)
                await asyncio.sleep(0)
        return found


def _with(asked: list[tuple[str, str]], **changed: str) -> str:
    kept = [(name, value) for name, value in asked if name not in changed]
    return urlencode([*kept, *((name, value) for name, value in changed.items() if value)])


def _toggled(asked: list[tuple[str, str]], sid: int) -> str:
    """The same page with this row opened, or closed if it is open."""
    this = ("open", str(sid))
    return urlencode([pair for pair in asked if pair != this] if this in asked else [*asked, this])
