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
from cloud.model import Status, Stretch
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
from cloud.stores.postgres import link, turns
from cloud.stores.postgres.store import PostgresStore
from cloud.testing import ScriptedEngine

lease.LEASE_DURATION, lease.RENEW_EVERY_SECONDS, module.RETRY_AFTER_SECONDS = timedelta(seconds=3), 0.5, 0.1
link._SESSION |= {"idle_in_transaction_session_timeout": "2s", "lock_timeout": "3s"}
turns.HUNG_SECONDS = 2.0  # one may be frozen in its turn
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


PLAIN, CAREFUL = 1, 2
"""Accounts, which share the seats, so that each dispatcher has jobs of both; those of the second must not run twice."""


def test_nothing_is_lost_and_nothing_happens_twice(world: World, postgres: Cluster, tmp_path: Path) -> None:
    crew = Crew(world, tmp_path / "log")
    maps: dict[int, list[range]] = {PLAIN: [], CAREFUL: []}

    def number(process: subprocess.Popen[bytes]) -> int:
        return sum(row.pid == process.pid for row in crew.started())

    def sids(account: int) -> set[int]:
        return {world.store.at_jids(jids)[0].sid for jids in maps[account]}

    def unfinished() -> int:
        try:
            return sum(len(world.store.of_account(account, unfinished=True)) for account in maps)
        except ServerUnavailable:
            return 1

    def fed(condition: Callable[[], bool]) -> bool:
        """The condition; until it holds there is work, also for who is slower than the others."""
        with suppress(ServerUnavailable):
            for account, made in maps.items():
                if len(world.store.of_account(account, unfinished=True)) < 3:
                    made.append(world.map(200, account=account, priority=len(made) % 3, restartable=account == PLAIN))
        return condition()

    def stopped_amid_jobs(process: subprocess.Popen[bytes]) -> bool:
        """Stop it, if it has jobs of both kinds then."""
        process.send_signal(signal.SIGSTOP)
        before = number(survivor)
        eventually(lambda: fed(lambda: number(survivor) > before + 1))  # what it had sent off is stored by now
        last = [row for row in crew.started() if row.pid == process.pid][-8:]
        held = {row.sid for row in last if world.store.claims(Stretch(row.sid, row.lo, row.hi))}
        if held & sids(PLAIN) and held & sids(CAREFUL):
            return True
        process.send_signal(signal.SIGCONT)
        return False

    try:
        victim, frozen, survivor = crew.add(), crew.add(), crew.add()
        eventually(lambda: fed(lambda: min(map(number, crew.processes)) > 2))
        eventually(lambda: stopped_amid_jobs(victim))
        victim.kill()
        eventually(lambda: stopped_amid_jobs(frozen))
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
    for account, ends in ((PLAIN, {Status.DONE}), (CAREFUL, {Status.DONE, Status.ERROR})):
        for jids in maps[account]:
            (submission,) = world.store.at_jids(jids)
            assert {place[0] for place in places(world.store, submission)} <= ends
    careful = sids(CAREFUL)
    starts = Counter((row.sid, i) for row in crew.started() if row.sid in careful for i in range(row.lo, row.hi))
    assert set(starts.values()) == {1}
