"""Agents that a real Ray has no room for, while servers come and go."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.engines.fleet import growth
from cloud.engines.fleet.engine import FleetEngine
from cloud.engines.ray import lines
from tests.support.ray_cluster import end_agents, names_of_agents, ray_lines
from tests.support.waiting import eventually

pytestmark = pytest.mark.everything

NAMESPACE = "room"


@pytest.fixture(autouse=True)
def _agents_end() -> Iterator[None]:
    yield
    end_agents(NAMESPACE)


def test_they_do_not_add_up_and_those_that_are_not_wanted_any_more_leave_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FOUND_SECONDS", 10.0)  # the two that run are heard in it, however slow the machine
    monkeypatch.setattr(growth, "LATE_SECONDS", 0.0)

    def start() -> FleetEngine:
        """Two fit into eight cores; one waits."""
        return FleetEngine(ray_lines(NAMESPACE, tmp_path), slots=3, least=3, most=3)

    fleet = start()
    eventually(lambda: fleet.poll() == [] and fleet.state().slots == 6)
    assert len(names_of_agents(NAMESPACE)) == 3
    fleet.abandon()
    again = start()  # the one that waits is given up at once, and another asked for
    assert again.state().slots == 6
    eventually(lambda: again.poll() == [] and len(names_of_agents(NAMESPACE)) == 3)
    monkeypatch.undo()
    again.abandon()
    last = start()
    assert len(names_of_agents(NAMESPACE)) == 3
    last.abandon()
