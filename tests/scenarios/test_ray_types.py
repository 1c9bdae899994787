"""Agents of named types on a real Ray: what they ask it for, and the memory that their jobs may hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.engines.fleet.engine import FleetEngine
from cloud.engines.fleet.kinds import AgentType
from cloud.model import Status
from cloud.stores.blobs import FolderBlobs
from tests.support.ray_cluster import end_agents, ray_lines
from tests.support.scripted import Dispatcher
from tests.support.waiting import HANG_SECONDS, eventually

pytestmark = pytest.mark.everything

BIG = AgentType(cores=2, memory_bytes=150_000_000, slots=2)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Dispatcher]:
    fleet = FleetEngine(ray_lines("types", tmp_path), slots=1, silent_seconds=HANG_SECONDS, types={"big": BIG})
    try:
        yield Dispatcher(fleet, FolderBlobs(tmp_path))
    finally:
        fleet.abandon()
        end_agents("types")


def test_an_agent_asks_ray_for_what_its_type_has(cloud: Dispatcher) -> None:
    import ray

    there: Any = ray

    def used(what: str) -> float:
        return float(there.cluster_resources()[what]) - float(there.available_resources().get(what, 0))

    eventually(lambda: used("CPU") == 1)
    (job,) = cloud.finish(cloud.call(lambda: 7, core_type="big"))
    assert job.result == 7
    eventually(lambda: used("CPU") == 5)
    eventually(lambda: used("memory") == pytest.approx(300_000_000, rel=0.01))
    assert sorted((agent.kind, agent.slots) for agent in cloud.engine.state().agents) == [("big", 2), ("c1", 1)]
    assert all(agent.log.startswith("ray logs actor --id ") for agent in cloud.engine.state().agents)


def test_a_job_that_holds_more_than_its_type_has_ends_in_error(cloud: Dispatcher) -> None:
    def greedy() -> None:
        import time

        held = b"x" * 200_000_000
        time.sleep(60)
        del held

    (job,) = cloud.finish(cloud.call(greedy, core_type="big"))
    assert job.status == Status.ERROR
    assert job.text("error") == "The job used more than 150 MB, the memory of type 'big'."
