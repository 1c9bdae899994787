"""What goes on at this moment, told again whenever it changes: for `picloud top`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud import errors
from cloud.dispatch.ports import Store
from cloud.local import Core
from cloud.server.dashboard.listing import Row, list_submissions, row_of
from cloud.server.dashboard.search import Wanted
from cloud.server.dashboard.watchers import Watcher, Watchers
from cloud.server.gate import Caller, Gate
from cloud.server.guarded import guarded
from cloud.server.history import History
from cloud.server.json_answer import JsonAnswer
from cloud.server.rings import SECONDS
from cloud.server.seldom import Seldom
from cloud.server.submission_routes import plain

AT_MOST_EVERY_SECONDS = 0.5
BEAT_SECONDS = 10.0
"""So often a line comes although nothing changed: rates sink."""
_MOST_SUBMISSIONS = 20
_MOST_WORKERS = 64
_RATE_SECONDS = 60


class TopRoutes:
    """One route: a line of JSON now and, with `?follow=1`, after each change."""

    def __init__(self, gate: Gate, core: Core, watchers: Watchers, history: History) -> None:
        self._gate = gate
        self._core = core
        self._watchers = watchers
        self._history = history
        self._queue = Seldom(core.store.backlog)
        self._workers = Seldom(lambda: core.engine.workers(_MOST_WORKERS))

    def routes(self) -> list[Route]:
        """All of them."""
        return [Route("/v1/top", guarded(self._gate, self._top), methods=["GET"])]

    async def _top(self, request: Request, caller: Caller) -> Response:
        if request.query_params.get("follow", "") not in ("1", "true", "yes"):
            return JsonAnswer(await self._snapshot(caller.account))
        if self._watchers.is_full(caller.account):
            raise errors.ServerUnavailable("too many views are open; close one", retry=True)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._lines(request, caller), headers=headers, media_type="application/x-ndjson")

    async def _lines(self, request: Request, caller: Caller) -> AsyncIterator[bytes]:
        watcher = self._watchers.add(caller.account)
        try:
            while not self._watchers.stopped:
                self._gate.admit(dict(request.headers.raw))  # the key may be inactive by now
                watcher.changed = False
                watcher.woken.clear()
                yield json.dumps(await self._snapshot(caller.account)).encode() + b"\n"
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)  # what else changes meanwhile is told together
                await _woken(watcher)
        except errors.NotAuthorised:
            return
        finally:
            self._watchers.remove(watcher)

    async def _snapshot(self, account: int) -> dict[str, Any]:
        now, state = time.time(), self._core.engine.state()
        past = self._history.of(account)
        ended = past.ended.jobs(SECONDS, now, now - _RATE_SECONDS)
        done, failed = (sum(s.read(SECONDS, now, now - _RATE_SECONDS)) for s in (past.ended.done, past.ended.error))
        backlog = [found for found in self._queue.read() if found[0] == account]
        return {
            "now": now,
            "slots": state.slots, "workers": state.workers, "busy": state.busy,
            "waiting": sum(found[1] for found in backlog), "queued": sum(found[2] for found in backlog),
            "processing": sum(n for (whose, _), n in self._core.dispatcher.running().items() if whose == account),
            "ended": ended, "done": done, "failed": failed,
            "running": [
                {"jid": w.jid, "pid": w.pid, "function": w.function, "since": w.since, "waits": w.waits}
                for w in self._workers.read()
                if w.jid is not None and w.account == account
            ],
            "submissions": [plain(row) for row in await _rows(self._core.store, account)],
        }  # fmt: skip


async def _woken(watcher: Watcher) -> None:
    try:
        await asyncio.wait_for(watcher.woken.wait(), BEAT_SECONDS)
    except TimeoutError:
        pass


async def _rows(store: Store, account: int) -> list[Row]:
    """What is not finished, oldest first because that runs first; then what was submitted last."""
    rows: dict[int, Row] = {}
    for sid in store.of_account(account, unfinished=True)[: _MOST_SUBMISSIONS * 2]:
        submission = store.submission(sid)
        if submission is not None and submission.count and len(rows) < _MOST_SUBMISSIONS:
            rows[sid] = row_of(store, submission)
    if len(rows) < _MOST_SUBMISSIONS:
        for row in (await list_submissions(store, account, Wanted())).rows:
            rows.setdefault(row.submission.sid, row)
    return list(rows.values())[:_MOST_SUBMISSIONS]
