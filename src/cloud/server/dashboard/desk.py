"""What all pages share: asking the core, filling a template, saying what went wrong."""

from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cloud import errors
from cloud.dispatch.ports import Store
from cloud.local import Core
from cloud.model import Ranges, Submission
from cloud.server.calls import Calls
from cloud.server.dashboard import forms
from cloud.server.dashboard.navigation import PAGES
from cloud.server.dashboard.rendering import DashboardPage, render
from cloud.server.dashboard.visits import Visit
from cloud.server.dashboard.watchers import Watchers
from cloud.wire import calls as wire_calls
from cloud.wire.message import decode

_MOST_SAID = 300


class Desk:
    """Asks the core on behalf of a visit, and makes pages of the answers."""

    def __init__(self, asked: Calls, core: Core, about: tuple[str, str]) -> None:
        """
        Args:
            about: the server's id and version.
        """
        self._asked = asked
        self.core = core
        self.watchers = Watchers(core)
        self.server_id, self.version = about
        self._said = f"picloud_said_{self.server_id[:16]}"

    @property
    def store(self) -> Store:
        """The core's."""
        return self.core.store

    def submission(self, jid: int, visit: Visit) -> Submission:
        """The submission with this job.

        Raises:
            JobNotFound: there is none, or it is another account's.
        """
        for submission in self.store.at_jids(range(jid, jid + 1)):
            if submission.account == visit.caller.account:
                return submission
        raise errors.JobNotFound("there is no such job: it never was, was deleted, or is another account's", jid=jid)

    async def info(self, jids: Ranges, visit: Visit, fields: tuple[str, ...]) -> list[dict[str, Any]]:
        """As `JobApi.info`."""
        header, frames = await self.ask(wire_calls.ask("info", jids, fields=list(fields)), visit)
        return wire_calls.read_infos(header, frames)

    async def ask(self, parts: wire_calls.Parts, visit: Visit) -> tuple[dict[str, Any], list[memoryview]]:
        """Any call of `JobApi` or `FilesApi`, as a message; raises what the core raised."""
        answer = await self._asked.ask(b"".join(parts), visit.caller)
        assert answer is not None
        header, frames = decode(b"".join(answer))
        wire_calls.answer_of(header)
        return header, frames

    def page(
        self, request: Request, template: str, visit: Visit | None, *, status: int = 200, here: str = "", **values: Any
    ) -> DashboardPage:
        """A page of a template, which sees besides its own values: `root` (the way up to '/'), `visit`, `version`,
        `server`, `pages` and `here`.

        Args:
            here: which of `PAGES` this belongs to.
        """
        said = "" if "x-live" in request.headers else unquote(request.cookies.get(self._said, ""))[:_MOST_SAID]
        shared = {
            "root": forms.upwards(request), "visit": visit, "version": self.version, "server": self.server_id,
            "pages": PAGES, "here": here, "said": said,
        }  # fmt: skip
        page = DashboardPage(render(template, {**shared, **values}), status)
        if said:
            page.delete_cookie(self._said, path="/")
        return page

    def back(self, request: Request, form: dict[str, str], said: str) -> Response:
        """Back to the page whose form this was, which will tell, once, what was done."""
        answer = RedirectResponse(forms.upwards(request, forms.ours(form.get("back", ""))), 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            self._said,
            quote(said[:_MOST_SAID], errors="replace"),
            max_age=60,
            httponly=True,
            samesite="strict",
            secure=secure,
            path="/",
        )
        return answer

    def failed(self, request: Request, error: errors.CloudException, visit: Visit | None = None) -> DashboardPage:
        """The page that says what went wrong."""
        return self.page(request, "error.html", visit, status=error.http_status, error=error)
