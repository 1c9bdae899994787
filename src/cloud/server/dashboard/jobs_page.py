"""The Jobs page: submissions, newest first, found by what is in its address."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.model import Status
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.listing import list_submissions
from cloud.server.dashboard.visits import Visit

_WORDS = [status.word for status in Status if status is not Status.DELETED]


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
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "before" and value]
        return self._desk.page(
            request, "jobs.html", visit, here="jobs", page=page, wanted=wanted, statuses=_WORDS,
            older=urlencode([*asked, ("before", page.before)]), newest=urlencode(asked),
            back="jobs" + (f"?{request.url.query}" if request.url.query else ""),
        )  # fmt: skip
