"""A server's core with ten thousand jobs that run and a million that are finished, and its pages asked in process."""

import asyncio
import base64
import contextlib
import time
from array import array
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cloud.api import NewChunk, Part
from cloud.dispatch.ports import Store
from cloud.local import Core
from cloud.model import Chunk, Column, Environment, Outcomes, Spec, Status
from cloud.pickling import dump_function, pack_map
from cloud.server.app import ASGIApp, Identity, build_app
from cloud.server.calls import Calls
from cloud.server.gate import Gate
from cloud.server.heart import Heart
from cloud.server.keys import Keys
from cloud.server.recorder import Recorder
from cloud.server.retirement import Retirement
from cloud.testing import ScriptedEngine

FINISHED, CALLS_FINISHED, RUNNING, CALLS_RUNNING = 1_000_000, 2_000, 5_000, 5_000
ROW = 1000
_TRACEBACK = b'Traceback (most recent call last):\n  File "photo.py", line 12, in find_faces\nValueError: no light\n'
_DIGEST, _FUNCTION = dump_function(len)


def fill(core: Core, *, finished: int = FINISHED, running: int = RUNNING, calls: int = CALLS_RUNNING) -> dict[str, int]:
    """Put the jobs in; returns the first jids of the maps, and of a running call."""
    with core.store.transaction():
        big = _finished(core.store, "map", finished, "album of a million")
        for number in range(CALLS_FINISHED):
            _finished(core.store, "call", 1, f"call {number % 50}")
    with core.dispatcher.step():
        wide = _submit(core, "map", running, "ten thousand at once")
        alone = [_submit(core, "call", 1, f"one of many {number % 50}") for number in range(calls)]
    return {"finished": big, "failed": big + 1, "running": wide, "call": alone[-1]}


def _spec(kind: Any, label: str) -> Spec:
    return Spec(kind, _DIGEST, "photo.find_faces at photo.py:12", Environment("cpython-311"), label=label)


def _submit(core: Core, kind: str, count: int, label: str) -> int:
    packed = pack_map([(0,)] * count)
    part = Part(f"{label}-{time.monotonic_ns()}", _spec(kind, label), [_FUNCTION], [NewChunk(0, count, packed)], count)
    jids = core.jobs().submit(part).jids
    assert jids is not None
    return jids.start


def _finished(store: Store, kind: str, count: int, label: str) -> int:
    """Straight into the store: every thousandth failed."""
    now = datetime.now(UTC)
    store.add_function(_DIGEST, _FUNCTION)
    submission = store.add_submission(1, f"{label}-{time.monotonic_ns()}", _spec(kind, label), now)
    store.add_chunk(submission.sid, Chunk(0, count, b""), now)
    submission = store.seal(submission.sid, count, ready=True)
    for lo in range(0, count, ROW):
        n = min(ROW, count - lo)
        claim = store.claim(submission.sid, lo, lo + n, dispatcher=1, agent="")
        statuses, errors = bytearray([Status.DONE] * n), [b""] * n
        if n > 1:
            statuses[1], errors[1] = Status.ERROR, _TRACEBACK
        began = time.time() - 3600 + lo / count
        runtime = array("d", [0.001 * (1 + (lo + i) * 7919 % 997) for i in range(n)])
        store.finish(
            claim.cid,
            Outcomes(
                submission.sid, lo, n, bytes(statuses), 1, array("d", [began]) * n, runtime,
                result=Column.of([b"0123456789"] * n), error=Column.of(errors),
            ),
        )  # fmt: skip
    return submission.jids.start


class Site:
    """The pages of a core, asked without a network."""

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        self.store = core.store
        heart, keys = Heart(core, loop), Keys(core.store)
        self.recorder = Recorder(core, loop)
        self.recorder.start()
        heart.beat = self.recorder.stir
        gate = Gate(keys, core.tokens.account_of)
        made = keys.make(1)
        self._proof = base64.b64encode(f"{made.key}:{made.secret}".encode())
        identity = Identity("0123456789abcdef", "0")
        calls = Calls(heart, gate, {}, max_body_bytes=1 << 30)
        stays = Retirement(gate, lambda: 0, lambda: None)
        self._app: ASGIApp = build_app(core, calls, gate, identity, self.recorder.history, stays)
        self._key = {"key": made.key, "secret": made.secret}
        self._cookie = b""

    async def sign_in(self) -> None:
        """As the holder of the key."""
        headers, _ = await self._ask("POST", "/sign-in", urlencode(self._key).encode())
        self._cookie = headers[b"set-cookie"].partition(b";")[0]

    async def get(self, page: str) -> bytes:
        """A page, which must be there."""
        headers, body = await self._ask("GET", page, b"")
        assert headers[b":status"] == b"200", (page, headers)
        return body

    async def _ask(self, method: str, address: str, body: bytes) -> tuple[dict[bytes, bytes], bytes]:
        path, _, query = address.partition("?")
        headers = [(b"host", b"localhost"), (b"cookie", self._cookie)]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
            "headers": headers, "server": ("localhost", 80), "client": ("localhost", 1),
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Any) -> None:
            sent.append(event)

        await self._app(scope, receive, send)
        found = dict(sent[0]["headers"]) | {b":status": str(sent[0]["status"]).encode()}
        return found, b"".join(event.get("body", b"") for event in sent[1:])


@contextlib.asynccontextmanager
async def crowded_site(folder: Path | None, **sizes: int) -> AsyncIterator[tuple[Site, dict[str, int]]]:
    """A site with everything in it, signed in."""
    engines: list[ScriptedEngine] = []

    def engine(_blobs: object) -> ScriptedEngine:
        engines.append(ScriptedEngine(slots=20_000))
        return engines[0]

    core = Core(folder, slots=20_000, engine=engine)
    try:
        jids = fill(core, **sizes)
        site = Site(core, asyncio.get_running_loop())
        await site.sign_in()
        yield site, jids
        site.recorder.stop()
    finally:
        core.close()
        engines[0].close()
