"""What buttons do to jobs: kill, delete, run again; one job, some submissions, or everything that was found.

A form says what it means, never which jobs that is: the server finds them, says how many they are, and changes them
when the same form comes again with that number, unless they have become more.
"""

import secrets

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.errors import InvalidSubmission
from cloud.model import Ranges
from cloud.server.dashboard import chosen, forms
from cloud.server.dashboard.chosen import Chosen
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.rendering import jids as jids_text
from cloud.server.dashboard.rendering import number
from cloud.server.dashboard.visits import Visit
from cloud.wire import calls as wire_calls
from cloud.wire.values import ranges_from_json

VERBS = {"kill": ("Kill", ""), "delete": ("Delete", ""), "rerun": ("Run", " again")}
_DONE = {"kill": ("Killed", ""), "delete": ("Deleted", ""), "rerun": ("Running", " again")}
_SHOWN = 4


class Changes:
    """Where the forms are sent."""

    def __init__(self, desk: Desk, doorway: Doorway) -> None:
        self._desk = desk
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/jobs/change", self._doorway.visited(self._change), methods=["POST"]),
            Route("/jobs/{jid}/kill", self._doorway.visited(self._one), methods=["POST"]),
            Route("/jobs/{jid}/delete", self._doorway.visited(self._one), methods=["POST"]),
            Route("/jobs/{jid}/rerun", self._doorway.visited(self._one), methods=["POST"]),
        ]

    async def _one(self, request: Request, visit: Visit) -> Response:
        """A button of one job, which is changed at once."""
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        jid = forms.jid_in(request)
        what = request.url.path.rpartition("/")[2]
        said, made = await self._do(what, (range(jid, jid + 1),), visit, force="force" in form)
        if made:
            form["back"] = f"jobs/{made[0].start}"
        return self._desk.back(request, form, said)

    async def _change(self, request: Request, visit: Visit) -> Response:
        """Fields: 'do'; 'sid', repeated, or 'all' with the search in 'found'; 'only', a status; 'sure', a number of
        jobs that was agreed to."""
        fields = await forms.read_fields(request)
        form = {name: values[-1] for name, values in fields.items()}
        forms.check_token(form, visit)
        what = form.get("do", "")
        if what not in VERBS:
            raise InvalidSubmission(f"there is no change {what[:40]!r}; there are {', '.join(VERBS)}")
        found = await self._chosen(what, fields, form, visit)
        sure = forms.whole(form.get("sure", "")) or 0
        if not found.count or found.count > sure:  # nobody agreed to so many
            kept = [(name, value) for name, values in fields.items() for value in values if name != "sure"]
            verb, behind = VERBS[what]
            return self._desk.page(
                request, "sure.html", visit, here="jobs", what=what, verb=verb, behind=behind, chosen=found,
                fields=kept, back=forms.ours(form.get("back", "")), only=form.get("only", ""),
            )  # fmt: skip
        said, _ = await self._do(what, tuple(found.jids), visit, force="force" in form)
        return self._desk.back(request, form, said)

    async def _chosen(self, what: str, fields: dict[str, list[str]], form: dict[str, str], visit: Visit) -> Chosen:
        store, account = self._desk.store, visit.caller.account
        wanted = chosen.meant(what, form.get("only", ""))
        if "all" in form:
            asked = forms.wanted_among(QueryParams(form.get("found", "")))
            return await chosen.choose(store, chosen.found(store, account, asked), wanted)
        sids = [int(text) for text in fields.get("sid", ()) if text.isascii() and text.isdecimal() and len(text) < 19]
        return await chosen.choose(store, chosen.picked(store, account, sids), wanted)

    async def _do(self, what: str, jids: Ranges, visit: Visit, *, force: bool) -> tuple[str, Ranges]:
        """What to tell, and the new jobs if there are any."""
        made: Ranges = ()
        if what == "kill":
            await self._desk.ask(wire_calls.ask("kill", jids, force=force), visit)
        elif what == "delete":
            await self._desk.ask(wire_calls.ask("delete", jids), visit)
        else:
            header, _ = await self._desk.ask(wire_calls.ask("rerun", jids, token=secrets.token_hex(16)), visit)
            made = ranges_from_json(wire_calls.answer_of(header))
        verb, behind = _DONE[what]
        return f"{verb} {_named(jids)}{behind}{_where(made or jids) if made or sum(map(len, jids)) > 1 else ''}.", made


def _named(jids: Ranges) -> str:
    count = sum(len(item) for item in jids)
    return f"job {jids[0].start}" if count == 1 else f"{number(count)} jobs"


def _where(jids: Ranges) -> str:
    """': 5–9, 12', if it can be said briefly."""
    return f": {', '.join(jids_text(item) for item in jids)}" if len(jids) <= _SHOWN else ""
