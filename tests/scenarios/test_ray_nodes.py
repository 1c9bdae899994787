"""A Ray cluster of three machines on one PostgreSQL, all of which fail in turn while a map runs."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cloud.api import NewChunk, Part
from cloud.errors import ServerUnavailable
from cloud.model import Spec, Status
from cloud.pickling import dump_function, loads, pack_map
from tests.support.postgres import Cluster
from tests.support.ray_nodes import Nodes
from tests.support.scripted import HERE
from tests.support.stores import places
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.everything

SERVER = """
import logging, select, sys, time
from datetime import timedelta
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
from cloud.dispatch import dispatcher as module, lease
from cloud.dispatch.clock import SystemClock
from cloud.engines.fleet.engine import FleetEngine
from cloud.engines.ray import lines
from cloud.errors import ServerUnavailable
from cloud.server.agent_actor import AgentActor
from cloud.stores.blobs import FolderBlobs
from cloud.stores.postgres.store import PostgresStore

lease.LEASE_DURATION, lease.RENEW_EVERY_SECONDS, module.RETRY_AFTER_SECONDS = timedelta(seconds=2), 0.5, 0.1
lines.LISTEN_SECONDS, lines.FOUND_SECONDS = 0.3, 2.0  # the stopped agent does not answer
address, url, blobs = sys.argv[1:]
told = {"blobs": blobs, "silence_seconds": 20.0}
way = lines.RayLines(AgentActor, address, "chaos", "one", told)
engine = FleetEngine(way, slots=2, least=3, most=3, silent_seconds=1.5)
store = PostgresStore(url)
dispatcher = module.Dispatcher(store, FolderBlobs(blobs, shared=True), engine, SystemClock(), sole=False)
poller = select.poll()
poller.register(engine.fileno(), select.POLLIN)
while True:
    try:
        due = dispatcher.tick()
    except ServerUnavailable:
        due = time.monotonic() + 0.1
    wait = 0.1 if due is None else min(0.1, max(0.0, due - time.monotonic()))
    poller.poll(wait * 1000)
"""


class Line(NamedTuple):
    """A job began ('+'), or was about to return ('-')."""

    what: str
    item: int
    pid: int


def noting(path: str, seconds: float) -> Any:
    """A job that says when it begins and ends."""

    def job(item: int) -> int:
        import os
        import time

        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"+ {item} {os.getpid()}\n".encode())
        time.sleep(seconds)
        os.write(log, f"- {item} {os.getpid()}\n".encode())
        os.close(log)
        return item * 10

    return job


class Team:
    """The cluster, the database, the server, and a client that submits and looks."""

    def __init__(self, postgres: Cluster, folder: Path) -> None:
        self.postgres, self.folder = postgres, folder
        self.url = postgres.url()
        self.servers: list[subprocess.Popen[bytes]] = []
        from cloud.stores.postgres.store import PostgresStore

        self.world = World(slots=0, open_store=lambda: PostgresStore(self.url), sole=False)
        self.nodes = Nodes(3, 2)

    def serve(self) -> subprocess.Popen[bytes]:
        """Start a server."""
        root = Path(__file__).parents[2]
        store = self.world.store.address
        command = [
            sys.executable, "-c", SERVER, self.nodes.address, f"{store.url}&schema={store.schema}",
            str(self.folder / "blobs"),
        ]  # fmt: skip
        env = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
        with open(self.folder / "server.log", "ab") as log:
            self.servers.append(subprocess.Popen(command, env=env, stderr=log, stdout=log))
        return self.servers[-1]

    def map(self, count: int, log: str, seconds: float, **spec: Any) -> range:
        digest, packed = dump_function(noting(str(self.folder / log), seconds))
        chunks = [
            NewChunk(lo, min(500, count - lo), pack_map([(i,) for i in range(lo, min(lo + 500, count))]))
            for lo in range(0, count, 500)
        ]
        part = Part(os.urandom(8).hex(), Spec("map", digest, "f", HERE, **spec), [packed], chunks, count)
        jids = self.world.jobs.submit(part).jids
        assert jids is not None
        return jids

    def lines(self, log: str) -> list[Line]:
        path = self.folder / log
        rows = [row.split() for row in path.read_text().splitlines()] if path.exists() else []
        return [Line(row[0], int(row[1]), int(row[2])) for row in rows]

    def begun(self) -> int:
        return len({(log, line.item) for log in ("plain", "careful") for line in self.lines(log)})

    def running_in(self, log: str, pids: set[int]) -> set[int]:
        """Jobs that these processes began and did not end."""
        mine = [line for line in self.lines(log) if line.pid in pids]
        return {line.item for line in mine if line.what == "+"} - {line.item for line in mine if line.what == "-"}

    def said(self) -> str:
        """By the servers, in their log."""
        return (self.folder / "server.log").read_text()

    def left(self) -> int:
        try:
            return len(self.world.store.of_account(1, unfinished=True))
        except ServerUnavailable:
            return -1

    def end(self) -> None:
        for server in self.servers:
            server.kill()
            server.wait()
        self.nodes.close()
        self.world.stop()


@pytest.fixture
def team(postgres: Cluster, tmp_path: Path) -> Iterator[Team]:
    team = Team(postgres, tmp_path)
    yield team
    team.end()


def test_every_job_ends_once_whatever_fails(team: Team) -> None:
    server = team.serve()
    plain = team.map(2000, "plain", 0.03)
    careful = team.map(1000, "careful", 0.03, restartable=False)
    eventually(lambda: team.begun() > 300, within_seconds=60)

    stopped = team.nodes.signal(0, signal.SIGSTOP)
    killed = team.nodes.signal(1, signal.SIGKILL)
    gone = stopped | killed
    hung = {log: team.running_in(log, stopped) for log in ("plain", "careful")}
    assert hung["plain"] or hung["careful"]

    def elsewhere() -> set[int]:
        return {line.item for line in team.lines("plain") if line.pid not in gone}

    eventually(lambda: hung["plain"] <= elsewhere(), within_seconds=10, what="jobs of the stopped node, elsewhere")

    before = team.begun()
    eventually(lambda: team.begun() > before + 200, within_seconds=60)
    server.kill()
    server.wait()
    server = team.serve()
    before = team.begun()
    eventually(lambda: team.begun() > before + 100, within_seconds=60)
    team.postgres.stop()
    team.postgres.start()
    before = team.begun()
    eventually(lambda: team.begun() > before + 100, within_seconds=60)
    team.nodes.signal(0, signal.SIGCONT)
    eventually(lambda: "came after their claim was reaped: refused" in team.said(), within_seconds=60)
    eventually(lambda: team.left() == 0, within_seconds=120, what="the end of all jobs")
    server.kill()

    statuses = {}
    for jids in (plain, careful):
        (submission,) = team.world.store.at_jids(jids)
        statuses[jids] = [place[0] for place in places(team.world.store, submission)]
    assert set(statuses[plain]) == {Status.DONE}
    assert set(statuses[careful]) <= {Status.DONE, Status.ERROR}
    ran = Counter(line.item for line in team.lines("careful") if line.what == "+")
    assert set(ran.values()) == {1}
    for item, about in enumerate(team.world.jobs.info((plain,), ["attempts"])):
        assert len(about["attempts"]) > (item in hung["plain"]), (item, about)
    lost = [item for item, status in enumerate(statuses[careful]) if status == Status.ERROR]
    assert len(lost) <= 12, "more than what two agents and two short interruptions can have held"
    results = [
        loads(ended.outcomes.bytes_of("result", index))
        for ended in team.world.jobs.outcomes((plain,), timeout_seconds=0)
        for index in range(ended.outcomes.lo, ended.outcomes.hi)
    ]
    assert results == [item * 10 for item in range(2000)]
