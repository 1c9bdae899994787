"""Agents of named types: which jobs they get, how many there are, and the memory that their jobs may hold."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.engines.fleet import growth
from cloud.engines.fleet.kinds import AgentType
from cloud.errors import CloudException
from cloud.model import Status
from tests.scenarios.test_fleet import Server, runs_in

TYPES = {"c1": AgentType(), "big": AgentType(cores=2, memory_bytes=200_000_000, slots=2)}


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, types=TYPES, least=1, most=getattr(request, "param", 2))
    server.until(lambda: server.engine.state().slots == 1)
    yield server
    server.engine.abandon()
    server.lines.end()


def pids(folder: Path) -> set[int]:
    return {int(line) for path in folder.glob("ran-*") for line in path.read_text().splitlines()}


def error_of(server: Server, jids: range) -> str:
    server.until(lambda: set(server.statuses(jids)) <= {"done", "error"})
    (ended,) = server.jobs.outcomes((jids,), timeout_seconds=0)
    return bytes(ended.outcomes.bytes_of("error", ended.outcomes.lo)).decode()


def test_jobs_run_on_agents_of_their_type_which_come_when_they_are_wanted(server: Server, tmp_path: Path) -> None:
    assert [line.kind for line in server.lines.lines] == ["c1"]
    usual = server.map(runs_in(tmp_path, "go"), [1])
    big = server.map(runs_in(tmp_path, "go"), [2, 3, 4, 5], core_type="big")
    server.until(lambda: len(pids(tmp_path)) == 5)
    assert sorted(line.kind for line in server.lines.lines) == ["big", "big", "c1"]
    (tmp_path / "go").touch()
    assert server.finished(usual) == [10]
    assert server.finished(big) == [20, 30, 40, 50]


def test_a_type_that_there_is_not_is_refused_with_the_list(server: Server) -> None:
    with pytest.raises(CloudException, match=r"_type is 'huge'; expected one of: c1, big"):
        server.map(lambda i: i, [1], core_type="huge")


def test_more_cores_than_an_agent_of_the_type_has_means_all_of_them(server: Server, tmp_path: Path) -> None:
    assert server.finished(server.map(runs_in(tmp_path), [1], core_type="big", cores=8)) == [10]


@pytest.mark.parametrize("server", [8], indirect=True, ids=["up to eight agents"])
def test_a_few_brief_jobs_are_reason_for_one_more_agent_at_most(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "WORTH_SECONDS", 1000.0)  # however slow the machine: all of these are brief

    def brief(item: int) -> int:
        return item

    assert server.finished(server.map(brief, [0])) == [0]
    assert server.finished(server.map(brief, list(range(200)))) == list(range(200))
    assert len(server.lines.lines) <= 2


def taking(megabytes: int, how: str) -> Callable[[int], Any]:
    """A job that takes so much memory and keeps it."""

    def job(item: int) -> int:
        import os
        import time

        if how == "a child" and os.fork():
            os.wait()
        held = [b"x" * 1_000_000 for _ in range(megabytes)]
        while how != "a while":
            time.sleep(1)
        time.sleep(0.5)
        return len(held)

    return job


@pytest.mark.parametrize("how", ["for ever", "a child"])
def test_a_job_that_holds_more_than_its_type_has_ends_in_error(server: Server, how: str) -> None:
    greedy = server.map(taking(260, how), [1], core_type="big")
    assert error_of(server, greedy) == "The job used more than 200 MB, the memory of type 'big'."
    assert server.finished(server.map(lambda i: os.getpid() and i, [7], core_type="big")) == [7]


def test_a_job_with_two_cores_may_hold_twice_as_much(server: Server) -> None:
    assert server.finished(server.map(taking(260, "a while"), [1], core_type="big", cores=2)) == [260]


def test_what_is_shared_by_processes_counts_once(server: Server) -> None:
    def job(item: int) -> int:
        import os
        import time

        held = b"x" * 120_000_000
        children = [os.fork() for _ in range(1)]
        time.sleep(0.6)
        if 0 in children:
            os._exit(0)
        os.wait()
        return len(held)

    (jids,) = [server.map(job, [1], core_type="big")]
    server.until(lambda: server.statuses(jids) != ["processing"] and server.statuses(jids) != ["queued"])
    assert server.statuses(jids) == [Status.DONE.word]
