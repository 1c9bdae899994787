"""Agents for which the cluster has no room yet, while servers come and go."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloud.engines.fleet import growth
from cloud.engines.fleet.kinds import AgentType
from tests.scenarios.test_fleet import Server, runs_in, times_run
from tests.support.fleet import ThreadLines


def crowd(lines: ThreadLines) -> list[str]:
    """Names of the agents of these that wait for room."""
    return [line.name for line in lines.late]


def test_they_do_not_add_up_when_servers_start_again(started: Callable[..., Server]) -> None:
    server = started(least=4, room=1)
    server.until(lambda: server.engine.state().slots == 1)
    waiting = crowd(server.lines)
    assert len(waiting) == 3
    for _ in range(3):
        server.crash()
        server = started(earlier=server, least=4, room=1)
        assert server.engine.state().slots == 1
        assert crowd(server.lines) == waiting
    server.lines.make_room()
    server.until(lambda: server.engine.state().slots == 4)
    assert server.finished(server.map(lambda i: i, [1])) == [1]


def test_one_that_stays_away_makes_room_for_another(
    started: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "LATE_SECONDS", 0.3)
    first = started(least=1, room=0)
    (name,) = crowd(first.lines)
    first.crash()
    second = started(earlier=first, least=1, room=1)
    second.until(lambda: second.engine.state().slots == 1)
    assert crowd(second.lines) == []
    assert second.engine.state().agents[0].name != name


def test_what_a_late_one_runs_is_dropped_since_others_have_it(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started(least=2, most=2)
    first.until(lambda: first.engine.state().slots == 2)
    jids = first.map(runs_in(tmp_path, "go"), [1])
    first.until(lambda: times_run(tmp_path, 1) == 1)
    held = first.store.claims_of(1)[0].agent
    first.crash()
    for line in first.lines.lines:
        line.answers = line.name != held
    second = started(earlier=first, least=2, most=2)
    second.until(lambda: times_run(tmp_path, 1) == 2)
    assert crowd(second.lines) == [held]
    assert len(second.lines.lines) == 1, "none is started in its place so soon"
    second.lines.make_room()
    second.until(lambda: second.engine.state().slots == 2)
    second.until(lambda: second.engine.state().busy == 1)
    (tmp_path / "go").touch()
    assert second.finished(jids) == [10]
    assert times_run(tmp_path, 1) == 2


def test_one_of_a_type_that_is_no_more_goes_when_it_is_idle(started: Callable[..., Server]) -> None:
    first = started(least=1, types={"big": AgentType(least=1)})
    first.until(lambda: first.engine.state().slots == 2)
    first.crash()
    second = started(earlier=first, least=1, idle_seconds=0.1)
    second.until(lambda: [agent.kind for agent in second.engine.state().agents] == ["c1"])
