"""For those who operate a server: whether it lives, whether it is ready, and numbers."""

import hmac
import os
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from cloud.dispatch.ports import EngineState
from cloud.engines.fleet.engine import FleetEngine
from cloud.errors import CloudException, NotAuthorised, ServerUnavailable
from cloud.local import Core
from cloud.model import Outcomes, Status
from cloud.server.answers import Send, error_object, send_body, send_json
from cloud.server.body import Receive
from cloud.server.calls import OPS, Calls
from cloud.server.gate import Gate
from cloud.server.metrics import CONTENT_TYPE, Histogram, Page, Tallies
from cloud.server.request_log import ASGIApp
from cloud.server.seldom import Seldom

READY_SECONDS = 1.0
"""The store is asked no more often, however many probes there are."""
_NAMES = {f"/v1/{op}": op for op in OPS}


class Operations:
    """Around the application: answers /healthz, /readyz and /metrics, and counts everything else.

    The first two need no key and tell no secret. They are answered whatever name the server is called by, since probes
    call it by its address.

    Args:
        token: opens /metrics; '': only an administrator's key does.
    """

    def __init__(
        self, app: ASGIApp, core: Core, calls: Calls, gate: Gate, version: str, *, token: str,
    ) -> None:  # fmt: skip
        self._app = app
        self._core, self._calls, self._gate = core, calls, gate
        self._version = version
        self._token = token.encode()
        self.connections: Callable[[], int] = lambda: 0
        """How many clients are connected."""
        self._tallies = Tallies()
        self._asked_at = float("-inf")
        self._trouble = ""
        self._queue = Seldom(core.store.backlog)

    def start(self) -> None:
        """Count from now on; after whoever else wants to hear of jobs that end."""
        dispatcher = self._core.dispatcher
        others = dispatcher.arrivals.on_finish

        def ended(outcomes: Outcomes) -> None:
            self._count(outcomes)
            if others is not None:
                others(outcomes)

        dispatcher.arrivals.on_finish = ended
        dispatcher.on_transaction = self._tallies.transactions.add

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/healthz":
            await send_json(send, {"ok": True, **self._cluster()})
        elif path == "/readyz":
            trouble = self._not_ready()
            await send_json(
                send, {"ready": not trouble, **({"why": trouble} if trouble else {}), **self._cluster()},
                503 if trouble else 200,
            )  # fmt: skip
        elif path == "/metrics":
            await self._answer_metrics(dict(scope["headers"]), send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        status = 499  # hung up before there was an answer

        async def sent(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, sent)
        finally:
            self._tallies.answered(_NAMES.get(scope["path"], "other"), status, time.perf_counter() - began)

    # --- ready

    def _not_ready(self) -> str:
        if self._calls.stopping:
            return "it is stopping"
        now = time.monotonic()
        if now - self._asked_at >= READY_SECONDS:
            self._trouble = self._look()
            self._asked_at = now
        return self._trouble

    def _look(self) -> str:
        try:
            with self._core.store.reading():
                self._core.store.get_fact("server/id")
        except ServerUnavailable:
            return "its store does not answer"
        state = self._core.engine.state()
        return "" if state.slots or state.trouble else "there is nothing that runs jobs yet"

    def _cluster(self) -> dict[str, str]:
        """Where it is away clients are answered all the same."""
        return {"cluster": "away"} if self._core.engine.state().trouble else {}

    # --- numbers

    async def _answer_metrics(self, headers: dict[bytes, bytes], send: Send) -> None:
        try:
            self._admit(headers)
            await send_body(send, self._page(), CONTENT_TYPE)
        except CloudException as error:
            await send_json(send, error_object(error), error.http_status)

    def _admit(self, headers: dict[bytes, bytes]) -> None:
        scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
        if self._token and scheme.lower() == b"bearer" and hmac.compare_digest(value.strip(), self._token):
            return
        caller = self._gate.admit(headers)
        if caller.key is None or not self._gate.keys.is_administrator(caller.account):
            raise NotAuthorised("/metrics takes an administrator's key, or the metrics token of the configuration")

    def _page(self) -> bytes:
        page, state = Page(), self._core.engine.state()
        page.family("picloud_info", "gauge", "Version of this server.", [({"version": self._version}, 1)])
        page.family("picloud_jobs", "gauge", "Jobs that are not finished, by account and status; processing: here.",
                    self._unfinished())  # fmt: skip
        page.family(
            "picloud_jobs_ended_total", "counter", "Jobs that ran and ended here since this server started.",
            (({"account": a, "status": s}, n) for (a, s), n in sorted(self._tallies.ended.items())),
        )  # fmt: skip
        for name, doc, number in _crew(state):
            page.family(f"picloud_{name}", "gauge", doc, [({}, number)])
        if isinstance(engine := self._core.engine, FleetEngine):
            silences = (({"agent": agent}, seconds) for agent, seconds in sorted(engine.silences().items()))
            page.family("picloud_agent_silent_seconds", "gauge", "Since each agent was heard.", silences)
        page.family("picloud_connections", "gauge", "Clients that are connected.", [({}, self.connections())])
        page.family("picloud_held_requests", "gauge", "Requests that wait for jobs.", [({}, self._calls.held)])
        page.family(
            "picloud_requests_total", "counter", "Requests answered, by call and HTTP status.",
            (({"call": c, "status": s}, n) for (c, s), n in sorted(self._tallies.requests.items())),
        )  # fmt: skip
        page.histograms(
            "picloud_request_seconds", "How long requests took, with the time that wait and outcomes wait for jobs.",
            [({"call": call}, found) for call, found in sorted(self._tallies.durations.items())],
        )  # fmt: skip
        transactions: list[tuple[dict[str, object], Histogram]] = [({}, self._tallies.transactions)]
        page.histograms("picloud_store_transaction_seconds", "How long transactions of the store took.", transactions)
        up = int(not state.trouble)
        page.family("picloud_cluster_up", "gauge", "Whether what runs jobs can be reached.", [({}, up)])
        page.family("picloud_store_up", "gauge", "Whether the store answers.", [({}, int(not self._look_at_store()))])
        page.family("process_cpu_seconds_total", "counter", "Of this process.", [({}, time.process_time())])
        page.family("process_resident_memory_bytes", "gauge", "Of this process.", [({}, _resident_bytes())])
        return page.text()

    def _look_at_store(self) -> bool:
        return self._not_ready() == "its store does not answer"

    def _unfinished(self) -> Iterator[tuple[dict[str, object], float]]:
        backlog = (self._queue.known or []) if self._look_at_store() else self._queue.read()
        for account, waiting, queued in backlog:
            yield {"account": account, "status": Status.WAITING.word}, waiting
            yield {"account": account, "status": Status.QUEUED.word}, queued
        processing: dict[int, int] = {}
        for (account, _), jobs in self._core.dispatcher.running().items():
            processing[account] = processing.get(account, 0) + jobs
        for account, jobs in sorted(processing.items()):
            yield {"account": account, "status": Status.PROCESSING.word}, jobs

    def _count(self, outcomes: Outcomes) -> None:
        submission = self._core.store.submission(outcomes.sid)
        if submission is not None:
            for status, jobs in outcomes.counts().items():
                self._tallies.ended[submission.account, status.word] += jobs


def _crew(state: EngineState) -> list[tuple[str, str, int]]:
    return [
        ("slots", "Jobs that can run at once.", state.slots),
        ("workers", "Worker processes.", state.workers),
        ("workers_busy", "Workers that run a job.", state.busy),
        ("workers_blocked", "Workers whose job waits for others.", state.blocked),
    ]


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
