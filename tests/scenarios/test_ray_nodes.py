"""A Ray cluster of three machines on one PostgreSQL, all of which fail in turn while a map runs."""

import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.jobs import Jobs
from cloud.errors import ServerUnavailable
from cloud.model import Spec, Status
from cloud.pickling import dump_function, loads, pack_map
from tests.support.configured import ConfiguredServer
from tests.support.ports import free_port
from tests.support.postgres import Cluster
from tests.support.ray_nodes import Nodes
from tests.support.scripted import HERE
from tests.support.stores import places
from tests.support.waiting import eventually
from tests.support.world import World

log = logging.getLogger(__name__)
pytestmark = pytest.mark.everything

SERVER = """
[server]
name = "one"
port = {port}
url = "http://127.0.0.1:{port}"
[store]
url = "{store}"
[blobs]
url = "{blobs}"
[engine]
kind = "ray"
address = "{cluster}"
slots = 2
least = 3
most = 3
"""
"""All limits are those of a server as delivered."""
STOP_SECONDS = 60.0
JOB_SECONDS = 0.042
"""Long enough that the map goes on while a node is stopped: then there are two slots left."""
JOIN_SECONDS = 120.0
PLAIN, CAREFUL = 1, 2
"""Accounts, which share the slots, so that each node has jobs of both."""
REFUSED = "came after their claim was reaped: refused"


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
        from cloud.stores.postgres.store import PostgresStore

        self.world = World(slots=0, open_store=lambda: PostgresStore(self.url), sole=False)
        # As it is, Ray gives a node up after about 62 seconds, and its agent ends with what it has to say.
        self.nodes = Nodes(3, 2, health_check_failure_threshold=20)
        self._said = ""
        self._port = free_port()

    def serve(self) -> None:
        """Start a server."""
        store = self.world.store.address
        text = SERVER.format(
            store=f"{store.url}&schema={store.schema}", blobs=self.folder / "blobs", cluster=self.nodes.address,
            port=self._port,
        )  # fmt: skip
        self.server = ConfiguredServer(self.folder, text, within_seconds=JOIN_SECONDS)

    def crash(self) -> None:
        """The server is killed, and another started."""
        self.server.end(signal.SIGKILL)
        self._said += self.server.log()
        self.serve()

    def map(self, count: int, log: str, seconds: float, *, account: int, **spec: Any) -> range:
        digest, packed = dump_function(noting(str(self.folder / log), seconds))
        chunks = [
            NewChunk(lo, min(500, count - lo), pack_map([(i,) for i in range(lo, min(lo + 500, count))]))
            for lo in range(0, count, 500)
        ]
        part = Part(os.urandom(8).hex(), Spec("map", digest, "f", HERE, **spec), [packed], chunks, count)
        jids = self.jobs(account).submit(part).jids
        assert jids is not None
        return jids

    def jobs(self, account: int) -> Jobs:
        return Jobs(self.world.dispatcher, account)

    def lines(self, log: str) -> list[Line]:
        path = self.folder / log
        rows = [row.split() for row in path.read_text().splitlines()] if path.exists() else []
        return [Line(row[0], int(row[1]), int(row[2])) for row in rows]

    def begun(self) -> int:
        return len({(log, line.item) for log in ("plain", "careful") for line in self.lines(log)})

    def more(self, jobs: int) -> None:
        """Until so many more have begun."""
        before = self.begun()
        eventually(lambda: self.begun() > before + jobs)

    def stop_amid_jobs(self) -> set[int]:
        """Stop a node, if both kinds of jobs run there; its processes."""
        stopped = self.nodes.signal(0, signal.SIGSTOP)
        if self.running_in("plain", stopped) and self.running_in("careful", stopped):
            return stopped
        self.nodes.signal(0, signal.SIGCONT)
        return set()

    def running_in(self, log: str, pids: set[int]) -> set[int]:
        """Jobs that these processes began and did not end."""
        mine = [line for line in self.lines(log) if line.pid in pids]
        return {line.item for line in mine if line.what == "+"} - {line.item for line in mine if line.what == "-"}

    def said(self) -> str:
        """By the servers, in their log."""
        return self._said + self.server.log()

    def left(self) -> int:
        try:
            return sum(len(self.world.store.of_account(account, unfinished=True)) for account in (PLAIN, CAREFUL))
        except ServerUnavailable:
            return -1

    def end(self) -> None:
        self.nodes.close()
        self.world.stop()


@pytest.fixture
def team(postgres: Cluster, tmp_path: Path) -> Iterator[Team]:
    team = Team(postgres, tmp_path)
    try:
        team.serve()
        yield team
        team.server.end()
        log.warning("the servers said: %s", team.said())  # shown if it failed
    finally:
        team.end()


def test_every_job_ends_once_whatever_fails(team: Team) -> None:
    plain = team.map(2000, "plain", JOB_SECONDS, account=PLAIN)
    careful = team.map(1000, "careful", JOB_SECONDS, account=CAREFUL, restartable=False)
    eventually(lambda: team.begun() > 300, within_seconds=JOIN_SECONDS)

    stopped = eventually(team.stop_amid_jobs, within_seconds=JOIN_SECONDS)
    stopped_at = time.monotonic()
    killed = team.nodes.signal(1, signal.SIGKILL)
    gone = stopped | killed
    hung = {log: team.running_in(log, stopped) for log in ("plain", "careful")}
    print(
        f"the stopped node had {len(hung['plain'])} jobs that run, and {len(hung['careful'])} that must not run twice"
    )

    def elsewhere() -> set[int]:
        return {line.item for line in team.lines("plain") if line.pid not in gone}

    eventually(lambda: hung["plain"] <= elsewhere(), within_seconds=STOP_SECONDS, what="those elsewhere")
    print(f"jobs of the stopped node ran elsewhere after {time.monotonic() - stopped_at:.1f} s")

    team.more(200)
    team.crash()
    team.more(100)
    team.postgres.stop()
    team.postgres.start()
    team.more(100)
    eventually(lambda: time.monotonic() > stopped_at + STOP_SECONDS, within_seconds=2 * STOP_SECONDS)
    left = team.left()
    team.nodes.signal(0, signal.SIGCONT)
    print(f"after {time.monotonic() - stopped_at:.1f} s the node goes on, {left} maps are not finished")
    eventually(lambda: REFUSED in team.said())
    eventually(lambda: team.left() == 0, within_seconds=120, what="the end of all jobs")
    print(f"{team.said().count(REFUSED)} times outcomes were refused")

    statuses = {}
    for jids in (plain, careful):
        (submission,) = team.world.store.at_jids(jids)
        statuses[jids] = [place[0] for place in places(team.world.store, submission)]
    assert set(statuses[plain]) == {Status.DONE}
    assert set(statuses[careful]) <= {Status.DONE, Status.ERROR}
    ran = Counter(line.item for line in team.lines("careful") if line.what == "+")
    assert set(ran.values()) == {1}
    for item, about in enumerate(team.jobs(PLAIN).info((plain,), ["attempts"])):
        assert len(about["attempts"]) > (item in hung["plain"]), (item, about)
    lost = [item for item, status in enumerate(statuses[careful]) if status == Status.ERROR]
    print(f"{len(lost)} jobs that must not run twice ended in error")
    assert len(lost) <= 12, "more than what two agents and two short interruptions can have held"
    results = [
        loads(ended.outcomes.bytes_of("result", index))
        for ended in team.jobs(PLAIN).outcomes((plain,), timeout_seconds=0)
        for index in range(ended.outcomes.lo, ended.outcomes.hi)
    ]
    assert results == [item * 10 for item in range(2000)]
