"""A fleet whose cluster is away: what is done meanwhile, and what is not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.engines.fleet import patience
from tests.scenarios.test_fleet import Server, runs_in, times_run
from tests.support.fleet import ThreadLine

TROUBLE = "the head of the cluster does not answer"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, silent_seconds=2.0, least=1, most=3)
    server.until(lambda: server.engine.state().slots == 1)
    yield server
    server.engine.abandon()
    server.lines.end()


def after(server: Server, seconds: float, silent: ThreadLine | None = None) -> None:
    """Let so much time pass; an agent has been silent for long."""
    end = time.monotonic() + seconds
    server.until(lambda: (silent is None or server.hears_nothing_of(silent, 20)) and time.monotonic() > end)


def test_no_agent_is_started_and_jobs_say_why_they_wait(server: Server, tmp_path: Path) -> None:
    server.map(runs_in(tmp_path, "go"), [1])
    server.lines.trouble = TROUBLE
    more = server.map(runs_in(tmp_path), [2])
    after(server, 0.3)
    assert len(server.lines.lines) == 1
    assert server.engine.state().trouble == TROUBLE
    assert server.jobs.why(more[0]) == f"The cluster is away: {TROUBLE}. Jobs are started when it is back."
    server.lines.trouble = ""
    server.until(lambda: len(server.lines.lines) > 1)
    assert server.finished(more) == [20]
    (tmp_path / "go").touch()


def test_agents_that_are_not_heard_keep_their_jobs_and_get_no_others(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.2)
    jids = server.map(runs_in(tmp_path, "go"), [1], restartable=False)
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (line,) = server.lines.lines
    server.lines.trouble = TROUBLE
    after(server, 0.3, silent=line)
    (tmp_path / "go").touch()
    others = server.map(lambda i: i, [5], restartable=False)
    after(server, 0.3, silent=line)
    assert (server.statuses(jids), server.statuses(others)) == (["processing"], ["queued"])
    server.lines.trouble = ""
    line.passable.set()
    assert server.finished(jids) + server.finished(others) == [10, 5]
    assert times_run(tmp_path, 1) == 1


def test_those_that_stay_away_are_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "AWAY_SECONDS", 0.6)
    jids = server.map(runs_in(tmp_path, "go"), [1])
    server.until(lambda: times_run(tmp_path, 1) == 1)
    server.lines.trouble = TROUBLE
    server.lines.lines[0].passable.clear()
    server.until(lambda: server.statuses(jids) == ["queued"])
    server.lines.trouble = ""
    (tmp_path / "go").touch()
    assert server.finished(jids) == [10]
