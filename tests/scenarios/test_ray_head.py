"""A server whose cluster goes away, or whose connection to it breaks: it answers on, and goes on when that is back."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.engines.fleet.patience import QUIET_SECONDS
from cloud.model import Status
from cloud.wire import calls
from tests.support import processes
from tests.support.configured import ConfiguredServer
from tests.support.ports import free_port
from tests.support.ray_nodes import HEAD, Nodes
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.everything]

JOIN_SECONDS = 120.0
TEXT = """
[server]
name = "the-one"
port = {port}
url = "http://127.0.0.1:{port}"
[blobs]
url = "{blobs}"
[engine]
kind = "ray"
address = "{cluster}"
slots = 2
least = 2
most = 2
"""


class Site:
    """A cluster of two nodes and a server on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.clusters = [Nodes(2, 2, self.port)]
        text = TEXT.format(port=free_port(), blobs=folder / "blobs", cluster=self.clusters[0].address)
        try:
            self.server = ConfiguredServer(folder, text, within_seconds=JOIN_SECONDS)
            eventually(lambda: self.summary()["slots"] == 4, within_seconds=JOIN_SECONDS)
        except BaseException:
            self.end()
            raise

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.server.request("GET", "/v1/summary")[2]))

    def why(self, jid: int) -> str:
        return str(calls.answer_of(self.server.ask(calls.ask("why", None, jid=jid))[0]))

    def runs(self, jids: range) -> bool:
        return set(self.server.status((jids,))) == {Status.PROCESSING}

    def info(self, jids: range) -> list[dict[str, Any]]:
        answer = json.loads(self.server.request("GET", f"/v1/jobs?jids={jids[0]}-{jids[-1]}&field=attempts")[2])
        return list(answer["info"].values())

    def attempts(self, jids: range) -> list[int]:
        return [len(about["attempts"]) for about in self.info(jids)]

    def end(self) -> None:
        for cluster in self.clusters:
            cluster.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    try:
        yield site
        assert site.server.end() == 0, site.server.log()
    finally:
        site.end()


def until(path: Path) -> Callable[[int], int]:
    def job(item: int) -> int:
        import os
        import time

        while not os.path.exists(path):
            time.sleep(0.02)
        return item * 10

    return job


def test_clients_are_answered_while_the_cluster_is_away_and_jobs_run_when_another_head_is_there(
    site: Site, tmp_path: Path
) -> None:
    server = site.server
    before = server.submit(lambda n: n + 1, [1, 2])
    assert server.results(before) == [2, 3]
    running = server.submit(until(tmp_path / "go"), [1, 2])
    eventually(lambda: site.runs(running))
    for node in (HEAD, 0, 1):
        site.clusters[0].signal(node, signal.SIGKILL)
    eventually(lambda: site.summary()["trouble"])
    assert server.results(before) == [2, 3]
    eventually(lambda: all(agent["silent_seconds"] > QUIET_SECONDS for agent in site.summary()["agents"]))
    meanwhile = server.submit(lambda n: n + 1, range(10))
    careful = server.submit(lambda n: n + 2, range(10), restartable=False)
    assert set(server.status((meanwhile,))) == {Status.QUEUED}
    assert site.why(meanwhile[0]).startswith("The cluster is away: ")
    status, _, body = server.request("GET", "/readyz", headers={})
    assert (status, json.loads(body)) == (200, {"ready": True, "cluster": "away"})
    site.clusters[0].close()
    site.clusters = [Nodes(2, 2, site.port)]
    assert server.results(meanwhile) == list(range(1, 11))
    assert server.results(careful) == list(range(2, 12))
    assert set(site.attempts(meanwhile)) == {1}
    assert site.summary()["trouble"] == ""
    (tmp_path / "go").touch()
    assert server.results(running) == [10, 20]
    assert site.attempts(running) == [2, 2], (site.info(running), server.log())


def test_what_runs_goes_on_when_the_process_that_talks_to_the_cluster_dies_or_hangs(site: Site, tmp_path: Path) -> None:
    server = site.server
    running = server.submit(until(tmp_path / "go"), [1, 2], restartable=False)
    eventually(lambda: site.runs(running))
    for how in (signal.SIGKILL, signal.SIGSTOP):
        (talker,) = (
            pid for pid in processes.descendants(server.pid) if "ray_process" in processes.command_line(pid)
        )  # fmt: skip
        os.kill(talker, how)
        behind = server.submit(lambda n: n + 1, range(100))
        assert server.results(behind) == list(range(1, 101))
    (tmp_path / "go").touch()
    assert server.results(running) == [10, 20]
    assert site.attempts(running) == [1, 1]
    assert len(site.summary()["agents"]) == 2
