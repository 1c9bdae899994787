"""An account with a million jobs in the queue and one with a single job, on real workers: it has its turn."""

import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.clock import SystemClock
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.jobs import Jobs
from cloud.dispatch.ports import Engine
from cloud.engines.fleet.engine import FleetEngine
from cloud.engines.local import LocalEngine
from cloud.model import Ranges, Spec
from cloud.pickling import dump_function, pack_map
from cloud.stores.blobs import FolderBlobs
from tests.contracts.engines import ENGINES
from tests.support.fleet import ThreadLines
from tests.support.ray_cluster import end_agents, ray_lines
from tests.support.scripted import HERE
from tests.support.stores import maker
from tests.support.waiting import HANG_SECONDS

MANY = 1_000_000
AT_ONCE = 1000


class Server:
    """A core with worker processes, driven by the test."""

    def __init__(self, engine: Engine, blobs: FolderBlobs) -> None:
        self.engine, self.blobs = engine, blobs
        self.store: Any = maker()()
        self.dispatcher = Dispatcher(self.store, blobs, engine, SystemClock())
        self.submitted = 0

    def map(self, account: int, function: Callable[[Any], Any], jobs: int, **spec: Any) -> range:
        digest, packed = dump_function(function)
        wanted = Spec("map", digest, "f", HERE, **spec)
        each = min(jobs, AT_ONCE)
        same = [pack_map([(i,) for i in range(each)])]
        chunks = [NewChunk(first, each, same[0]) for first in range(0, jobs, each)]
        self.submitted += 1
        part = Part(f"t{self.submitted}", wanted, [packed], chunks, jobs)
        jids = Jobs(self.dispatcher, account).submit(part).jids
        assert jids is not None
        return jids

    def run(self, account: int, function: Callable[[Any], Any]) -> None:
        single = self.map(account, function, 1)
        self.until(lambda: self.done(account, (single,)) == 1)

    def done(self, account: int, jids: Ranges) -> int:
        return Jobs(self.dispatcher, account).counts(jids).get("done", 0)

    def until(self, so: Callable[[], bool], within_seconds: float = 60.0) -> None:
        end = time.monotonic() + within_seconds
        poller = select.poll()
        poller.register(self.engine.fileno(), select.POLLIN)
        while not so():
            assert time.monotonic() < end, "not in time"
            due = self.engine.next_deadline()
            wait = 20.0 if due is None else min(20.0, max(0.0, due - time.monotonic()) * 1000)
            poller.poll(wait)
            self.dispatcher.tick()


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    blobs = FolderBlobs(tmp_path, shared=True)
    if request.param == "local":
        local = LocalEngine(1, blobs)
        yield Server(local, blobs)
        local.abandon()
        return
    lines = ThreadLines(tmp_path) if request.param == "fleet" else ray_lines("fair", tmp_path)
    fleet = FleetEngine(lines, slots=1, silent_seconds=HANG_SECONDS)
    yield Server(fleet, blobs)
    fleet.abandon()
    if isinstance(lines, ThreadLines):
        lines.end()
    else:
        end_agents("fair")


def sleeper(seconds: float, later: float) -> Callable[[int], None]:
    def sleep(i: int) -> None:
        import time

        time.sleep(seconds if i < 300 else later)

    return sleep


BRIEF = sleeper(0.001, 0.001)
SLOW_LATER = sleeper(0.001, 0.1)


@pytest.mark.parametrize("restartable", [True, False])
@pytest.mark.parametrize("function", [BRIEF, SLOW_LATER], ids=["brief", "slow later"])
def test_a_single_job_does_not_wait_for_a_million(
    server: Server, function: Callable[[int], None], restartable: bool
) -> None:
    many = server.map(1, function, MANY, restartable=restartable)
    server.until(lambda: server.done(1, (many[:400],)) > 310 or (not restartable and server.done(1, (many[:50],)) > 10))
    for _ in range(2):  # the second time its function is known to be brief, too
        before = server.done(1, (many,))
        server.run(2, BRIEF)
        assert server.done(1, (many,)) - before < 1000
    Jobs(server.dispatcher, 1).kill(None)


def test_a_job_that_takes_all_slots_has_its_turn_too(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path, shared=True)
    local = LocalEngine(2, blobs)
    server = Server(local, blobs)
    many = server.map(1, BRIEF, MANY)
    server.until(lambda: server.done(1, (many[:400],)) > 310)
    single = server.map(2, BRIEF, 1, cores=2)
    before = server.done(1, (many,))
    server.until(lambda: server.done(2, (single,)) == 1)
    assert server.done(1, (many,)) - before < 1000
    server.until(lambda: server.done(1, (many,)) > before + 100)
    local.abandon()
