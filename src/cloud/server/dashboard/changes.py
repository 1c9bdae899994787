"""What buttons do to jobs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cloud.model import Ranges, Stretch
from cloud.model.ranges import normal
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.listing import counts_of
from cloud.server.dashboard.visits import Visit
from cloud.wire import calls as wire_calls


class Changes:
    """Kills and deletes a job, or all of its submission."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """Where the forms are sent."""
        return [
            Route("/jobs/{jid}/kill", self._doorway.visited(self._kill), methods=["POST"]),
            Route("/jobs/{jid}/delete", self._doorway.visited(self._delete), methods=["POST"]),
        ]

    async def _kill(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        jids = self._meant(forms.jid_in(request), form, visit)
        await self._desk.ask(wire_calls.ask("kill", jids, force="force" in form), visit)
        return RedirectResponse(forms.upwards(request, forms.ours(form.get("back", ""))), 303)

    async def _delete(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        jids = self._meant(forms.jid_in(request), form, visit)
        await self._desk.ask(wire_calls.ask("delete", jids), visit)
        return RedirectResponse(forms.upwards(request, forms.ours(form.get("back", ""))), 303)

    def _meant(self, jid: int, form: dict[str, str], visit: Visit) -> Ranges:
        """One job, or, if the form says 'whole', all jobs of its submission that were not deleted."""
        if "whole" not in form:
            return (range(jid, jid + 1),)
        store, submission = self._desk.store, self._desk.submission(jid, visit)
        jids, stretch = submission.jids, Stretch(submission.sid, 0, submission.count)
        if sum(counts_of(store, stretch).values()) == submission.count:
            return (jids,)
        held: list[Any] = [*store.pending(stretch), *store.claims(stretch)]
        held += store.outcomes(stretch)
        return normal(range(jids.start + item.lo, jids.start + item.hi) for item in held)
