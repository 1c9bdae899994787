"""The Overview page: what goes on now, what went on lately, what failed."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.overview import BREAKDOWNS, SPANS, curves, failures_of, lately, running_of
from cloud.server.dashboard.visits import Visit
from cloud.server.history import History
from cloud.server.json_answer import JsonAnswer


class OverviewPage:
    """Of one account; only the numbers of workers are everybody's."""

    def __init__(self, desk: Desk, doorway: Doorway, history: History, wall: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._doorway = doorway
        self._history = history
        self._wall = wall

    def routes(self) -> list[Route]:
        """The page, and the numbers that its charts ask for."""
        return [
            Route("/overview", self._doorway.visited(self._overview), methods=["GET"]),
            Route("/overview/curves", self._doorway.visited(self._curves), methods=["GET"]),
        ]

    async def _overview(self, request: Request, visit: Visit) -> Response:
        account, now = visit.caller.account, self._wall()
        span, by = _wanted(request)
        self._history.freshen()
        past, state = self._history.of(account), self._desk.core.engine.state()
        names = past.labels if by == "label" else past.functions
        return self._desk.page(
            request, "overview.html", visit, here="overview", span=span, by=by, levels=past.levels, state=state,
            total=past.ended.total(SPANS[span], now), lately=lately(past, names, SPANS[span], now),
            running=running_of(self._desk.core, account), failures=await failures_of(self._desk.store, account),
            none_yet=not self._desk.store.newest(1),
        )  # fmt: skip

    async def _curves(self, request: Request, visit: Visit) -> Response:
        span, by = _wanted(request)
        try:
            since = float(request.query_params.get("since", "0"))
        except ValueError:
            since = 0.0
        since = since if 0 <= since < 1e12 else 0.0
        self._history.freshen()
        return JsonAnswer(curves(self._history, visit.caller.account, SPANS[span], by, self._wall(), since))


def _wanted(request: Request) -> tuple[str, str]:
    span, by = request.query_params.get("span", ""), request.query_params.get("by", "")
    return span if span in SPANS else "minutes", by if by in BREAKDOWNS else "status"
