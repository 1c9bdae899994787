"""A server of a configuration with PostgreSQL, Ray and an object store, restarted while jobs run on the cluster."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cloud.model import Status
from tests.support.configured import ConfiguredServer
from tests.support.objects import KEYS, object_store
from tests.support.ports import free_port
from tests.support.postgres import Cluster
from tests.support.processes import command_line
from tests.support.ray_nodes import Nodes
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.everything,
]

JOIN_SECONDS = 120.0


@pytest.fixture
def text(tmp_path: Path, postgres: Cluster) -> Iterator[str]:
    """The whole configuration; its server listens where it did before."""
    (tmp_path / "objects").mkdir()
    nodes = Nodes(2, 2)
    try:
        with object_store(tmp_path / "objects") as url:
            yield f"""
[server]
port = {free_port()}
url = "http://127.0.0.1:PORT"
name = "the-one"
[store]
url = "{postgres.url()}"
[blobs]
url = "{url("jobs")}"
access_key_id = "{KEYS["AWS_ACCESS_KEY_ID"]}"
secret_access_key = "${{SECRET}}"
[engine]
kind = "ray"
address = "{nodes.address}"
slots = 2
[types.large]
cores = 1
memory = "100 MB"
slots = 1
most = 1
[logs]
format = "json"
"""
    finally:
        nodes.close()


def test_jobs_on_the_cluster_and_what_they_ask_go_on_while_the_server_restarts(text: str, tmp_path: Path) -> None:
    port = text.partition("port = ")[2].split()[0]
    text = text.replace("PORT", port)
    secret = {"SECRET": KEYS["AWS_SECRET_ACCESS_KEY"]}
    checked = subprocess.run(
        [sys.executable, "-m", "cloud.cli", "serve", "--check", "--config", _written(tmp_path / "check.toml", text)],
        env={**os.environ, **secret, "PICLOUD_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [line.partition(": good")[0] for line in checked.stdout.splitlines()] == [
        "settings", "store", "blobs", "cluster",
    ]  # fmt: skip

    server = ConfiguredServer(tmp_path, text, secret, JOIN_SECONDS)
    eventually(lambda: server.request("GET", "/readyz")[0] == 200, within_seconds=JOIN_SECONDS)
    assert server.results(server.submit(lambda n: b"x" * n, [10, 200_000])) == [b"x" * 10, b"x" * 200_000]

    (agent,) = json.loads(server.request("GET", "/v1/summary")[2])["agents"]
    assert agent.pop("silent_seconds") < 5
    assert agent.pop("name").startswith("picloud-agent/the-one/c1/")
    assert agent.pop("log").startswith("ray logs actor --id ")
    assert agent == {"machine": socket.gethostname(), "type": "c1", "slots": 2, "used": 0, "busy": 0, "state": "here"}

    def run(go: str) -> int:
        import os
        import time

        import cloud

        while not os.path.exists(go):
            time.sleep(0.05)
        return int(cloud.call(lambda: 6 * 7).result())  # by its token, which an earlier server made

    for how in (signal.SIGTERM, signal.SIGKILL):
        go = tmp_path / f"go-{how}"
        jids = server.submit(run, [str(go)])
        eventually(partial(_runs, server, jids))
        server.end(how)
        server = ConfiguredServer(tmp_path, text, secret, JOIN_SECONDS)
        assert _runs(server, jids), server.log()
        go.touch()
        assert server.results(jids) == [42]
        assert KEYS["AWS_SECRET_ACCESS_KEY"] not in server.log()
    assert server.end() == 0


def test_agents_begin_on_different_machines(tmp_path: Path) -> None:
    """The end of one machine is not the end of all."""
    nodes, port = Nodes(2, 4), free_port()
    try:
        text = f"""
[server]
port = {port}
url = "http://127.0.0.1:{port}"
[store]
url = "{tmp_path / "store"}"
[blobs]
url = "{tmp_path / "blobs"}"
[engine]
kind = "ray"
address = "{nodes.address}"
slots = 1
least = 2
most = 2
"""
        server = ConfiguredServer(tmp_path, text, within_seconds=JOIN_SECONDS)
        eventually(partial(_has_agents, server, 2), within_seconds=JOIN_SECONDS)
        there = [sum("AgentActor" in command_line(pid) for pid in nodes.pids(node)) for node in range(2)]
        assert server.end() == 0
        assert there == [1, 1]
    finally:
        nodes.close()


def _has_agents(server: ConfiguredServer, number: int) -> bool:
    agents = json.loads(server.request("GET", "/v1/summary")[2])["agents"]
    return [agent["state"] for agent in agents] == ["here"] * number


def _runs(server: ConfiguredServer, jids: range) -> bool:
    return server.status((jids,)) == [Status.PROCESSING]


def _written(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)
