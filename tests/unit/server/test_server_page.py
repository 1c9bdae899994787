"""What the Server page says of machines: which one the server, each worker and each disk is on."""

import html
import re
from typing import Any

from cloud.dispatch.ports import AgentState, EngineState, WorkerState
from cloud.server.dashboard.rendering import render
from cloud.server.dashboard.server_page import Disk
from cloud.server.dashboard.visits import Visit
from cloud.server.gate import Caller

GB = 10**9
HERE = Disk(GB, 2 * GB, 0, "/srv/picloud/blobs", "/srv/picloud", 100 * GB, 500 * GB, 10 * GB, machine="head")


def page(state: EngineState, workers: list[WorkerState], disk: Disk, **more: Any) -> str:
    """The page's text as it is read."""
    shared = {"root": "", "visit": Visit(Caller(1, key="1"), "", 1), "version": "1", "server": "0", "pages": [],
              "here": "server", "said": ""}  # fmt: skip
    own = {"began": 0.0, "now": 60.0, "protocol": 1, "added": {}, "pid": 17, "python": "3", "store": "SQLite",
           "engine": "Local", "servers": 0, "host": "head"}  # fmt: skip
    machines = {agent.name: agent.host for agent in state.agents}
    values: dict[str, Any] = {**shared, **own, "machines": machines, **more}
    text = render("server.html", {**values, "state": state, "workers": workers, "disk": disk})
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_without_a_cluster_everything_is_on_the_servers_machine() -> None:
    text = page(EngineState(2, 1, 0, 0, ["cpython-311"]), [WorkerState(18, "/bin/python", 1)], HERE)
    assert "Machine head" in text
    assert "Free 100.0 GB of 500.0 GB on head, where /srv/picloud is" in text
    assert "Agent" not in text


def test_on_a_cluster_workers_and_disks_name_their_machines() -> None:
    agents = [
        AgentState("picloud-agent/x/c1/a1", "node-7", "c1", 2, 1, 1, 0.5, False, "", 20 * GB, 80 * GB),
        AgentState("picloud-agent/x/c1/b2", "node-8", "c1", 2, 0, 0, 0.5, False, "", 0, 80 * GB, full=True),
        AgentState("picloud-agent/x/c1/c3", "node-9", "c1", 2, 0, 0, 0.5, False, ""),
    ]
    workers = [WorkerState(18, "/bin/python", 1, 5, "f", 1.0, agent="picloud-agent/x/c1/a1")]
    away = Disk(GB, 2 * GB, 0, "s3://bucket/jobs", "/srv/cache", 9 * GB, 90 * GB, 10 * GB, machine="head", copies=True)
    text = page(EngineState(6, 1, 1, 0, ["cpython-311"], agents), workers, away, engine="Fleet", store="Postgres")
    assert "Large values 2.0 GB in s3://bucket/jobs" in text
    assert "Free for copies 9.0 GB of 90.0 GB on head, where /srv/cache is" in text
    assert "3 on 3 machines, with 6 slots" in text
    assert "20.0 GB of 80.0 GB" in text
    assert "full, takes no jobs" in text
    assert "18 node-7 a1 job 5" in text
    assert "1 job waits for others" in page(EngineState(2, 1, 1, 1, []), [], HERE)
