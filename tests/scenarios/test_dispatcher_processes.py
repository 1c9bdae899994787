"""Dispatchers as processes on one PostgreSQL: one is killed, another frozen, the database restarted."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from cloud.errors import ServerUnavailable
from cloud.model import Status
from tests.support.postgres import Cluster
from tests.support.stores import places
from tests.support.waiting import eventually
from tests.support.world import World

PROGRAM = """
import os, select, sys
from datetime import timedelta
from cloud.dispatch import dispatcher as module, lease
from cloud.dispatch.clock import SystemClock
from cloud.stores.blobs import MemoryBlobs
from cloud.stores.postgres import link
from cloud.stores.postgres.store import PostgresStore
from cloud.testing import ScriptedEngine

lease.LEASE_DURATION, lease.RENEW_EVERY_SECONDS, module.RETRY_AFTER_SECONDS = timedelta(seconds=3), 0.5, 0.1
link._SESSION["idle_in_transaction_session_timeout"] = "3s"  # one may be frozen in its turn
url, path = sys.argv[1:]
log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

class Logged(ScriptedEngine):
    def start(self, work):
        for item in work:
            c = item.claim
            os.write(log, f"{os.getpid()} {c.sid} {c.lo} {c.hi} {c.attempt}\\n".encode())
        super().start(work)

store, engine, clock = PostgresStore(url), Logged(3, 4), SystemClock()
dispatcher = module.Dispatcher(store, MemoryBlobs(), engine, clock, sole=False)
while True:
    engine.finish_all()
    due = dispatcher.tick()
    select.select([store.signals.fileno()], [], [], 0.02)
"""


@pytest.fixture
def world(postgres: Cluster) -> Iterator[World]:
    """A core that takes jobs in and runs none."""
    from cloud.stores.postgres.store import PostgresStore

    url = postgres.url()
    world = World(slots=0, open_store=lambda: PostgresStore(url), sole=False)
    yield world
    world.stop()


class Started(NamedTuple):
    """Jobs lo..hi-1 of a submission began."""

    pid: int
    sid: int
    lo: int
    hi: int
    attempt: int


class Crew:
    """Dispatcher processes that log what they start."""

    def __init__(self, world: World, log: Path) -> None:
        root = Path(__file__).parents[2]
        address = world.store.address
        self._command = [sys.executable, "-c", PROGRAM, f"{address.url}&schema={address.schema}", str(log)]
        self._env = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
        self._log = log
        self.processes: list[subprocess.Popen[bytes]] = []

    def add(self) -> subprocess.Popen[bytes]:
        """One more."""
        process = subprocess.Popen(self._command, env=self._env, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def started(self) -> list[Started]:
        """All that was started so far."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [Started(*map(int, line.split())) for line in lines]

    def end(self) -> None:
        """Kill all."""
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.communicate()


def test_nothing_is_lost_and_nothing_happens_twice(world: World, postgres: Cluster, tmp_path: Path) -> None:
    crew = Crew(world, tmp_path / "log")
    maps: list[range] = []

    def number(process: subprocess.Popen[bytes]) -> int:
        return sum(row.pid == process.pid for row in crew.started())

    def unfinished() -> int:
        try:
            return len(world.store.of_account(1, unfinished=True))
        except ServerUnavailable:
            return 1

    def fed(condition: Callable[[], bool]) -> bool:
        """The condition; until it holds there is work, also for who is slower than the others."""
        if unfinished() < 3:
            with suppress(ServerUnavailable):
                maps.append(world.map(200, priority=len(maps) % 3))
        return condition()

    try:
        victim, frozen, survivor = crew.add(), crew.add(), crew.add()
        eventually(lambda: fed(lambda: min(map(number, crew.processes)) > 2))
        careful = world.map(100, restartable=False, priority=-1)
        (one,) = world.store.at_jids(careful)
        eventually(lambda: fed(lambda: any(row.sid == one.sid for row in crew.started())))
        victim.kill()
        frozen.send_signal(signal.SIGSTOP)
        postgres.stop()
        postgres.start()
        before = number(survivor)
        eventually(lambda: fed(lambda: number(survivor) > before + 2))
        crew.add()
        eventually(lambda: fed(lambda: max(row.attempt for row in crew.started()) > 1))
        eventually(lambda: not unfinished())
        before = number(frozen)
        frozen.send_signal(signal.SIGCONT)  # what it delivers now comes too late; then it begins afresh
        eventually(lambda: fed(lambda: number(frozen) > before + 2))
        eventually(lambda: not unfinished())
    finally:
        crew.end()
    for jids in maps:
        (submission,) = world.store.at_jids(jids)
        assert {place[0] for place in places(world.store, submission)} == {Status.DONE}
    assert {place[0] for place in places(world.store, one)} <= {Status.DONE, Status.ERROR}
    starts = Counter(i for row in crew.started() if row.sid == one.sid for i in range(row.lo, row.hi))
    assert set(starts.values()) == {1}
