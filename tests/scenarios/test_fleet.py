"""Agents that are elsewhere: silence, late outcomes, a server that starts again, growing and leaving."""

import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.api import NewChunk, Part
from cloud.dispatch.clock import SystemClock
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.jobs import Jobs
from cloud.engines.fleet.engine import FleetEngine
from cloud.model import Spec, Status
from cloud.pickling import dump_function, loads, pack_map
from cloud.stores.blobs import FolderBlobs
from cloud.stores.sqlite import SQLiteStore
from tests.support.fleet import ThreadLine, ThreadLines
from tests.support.scripted import HERE


class Server:
    """A core on a fleet of agents in this process."""

    def __init__(self, folder: Path, earlier: "Server | None" = None, **engine: Any) -> None:
        self.lines = ThreadLines(folder / "blobs", silence_seconds=engine.pop("silence_seconds", 60.0))
        self.lines.own = engine.pop("own", True)
        self.lines.room = engine.pop("room", None)
        self.lines.open_blobs = engine.pop("open_blobs", self.lines.open_blobs)
        if earlier is not None:
            self.lines.earlier = [*earlier.lines.lines, *earlier.lines.late]
        blobs = FolderBlobs(folder / "blobs", shared=True)
        self.engine = FleetEngine(self.lines, **{"slots": 1, "silent_seconds": 30.0, **engine})
        self.store = SQLiteStore(folder / "jobs.db")
        self.dispatcher = Dispatcher(self.store, blobs, self.engine, SystemClock())
        self.jobs = Jobs(self.dispatcher, 1)

    def map(self, function: Callable[[Any], Any], items: list[Any], **spec: Any) -> range:
        digest, packed = dump_function(function)
        wanted = Spec("map", digest, "f", HERE, **spec)
        chunk = NewChunk(0, len(items), pack_map([(item,) for item in items]))
        jids = self.jobs.submit(Part(os.urandom(8).hex(), wanted, [packed], [chunk], len(items))).jids
        assert jids is not None
        return jids

    def until(self, done: Callable[[], Any], within_seconds: float = 60.0) -> None:
        end = time.monotonic() + within_seconds
        poller = select.poll()
        poller.register(self.engine.fileno(), select.POLLIN)
        while not done():
            assert time.monotonic() < end, "not in time"
            poller.poll(20)
            self.dispatcher.tick()

    def statuses(self, jids: range) -> list[str]:
        return [Status(code).word for code in self.jobs.status((jids,))]

    def finished(self, jids: range) -> list[Any]:
        self.until(lambda: set(self.statuses(jids)) <= {"done", "error", "killed"})
        found = []
        for ended in self.jobs.outcomes((jids,), timeout_seconds=0):
            for index in range(ended.outcomes.lo, ended.outcomes.hi):
                assert ended.outcomes.status_of(index) is Status.DONE, bytes(ended.outcomes.bytes_of("error", index))
                found.append(loads(ended.outcomes.bytes_of("result", index)))
        return found

    def hears_nothing_of(self, line: ThreadLine, seconds: float = 60.0) -> bool:
        """From now on, and as if it had been so for so long; what was on its way still comes, so say it again."""
        line.passable.clear()
        self.engine._members[line.name].heard_at = time.monotonic() - seconds
        return True

    def crash(self) -> None:
        """As by SIGKILL: nothing is said to anybody."""
        self.engine.abandon()
        self.store.close()


def runs_in(folder: Path, waits_for: str = "") -> Callable[[int], int]:
    """A job that leaves a line for each time it runs, and goes on when a file is there."""

    def job(item: int) -> int:
        import os
        import time

        with open(folder / f"ran-{item}", "a") as file:
            file.write(f"{os.getpid()}\n")
        while waits_for and not (folder / waits_for).exists():
            time.sleep(0.01)
        return item * 10

    return job


def times_run(folder: Path, item: int) -> int:
    path = folder / f"ran-{item}"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_workers_and_disks_are_told_with_the_agents_that_have_them(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    server = started(least=2, most=2)
    server.until(lambda: server.engine.state().slots == 2)
    slow = server.map(runs_in(tmp_path, "go"), [1, 2])
    server.until(lambda: all(times_run(tmp_path, item) for item in (1, 2)))
    assert {agent.whole_bytes for agent in server.engine.state().agents} == {0}, "nobody asked"
    server.until(lambda: len([worker for worker in server.engine.workers(10) if worker.jid is not None]) == 2)
    agents = server.engine.state().agents
    assert {worker.agent for worker in server.engine.workers(10)} == {agent.name for agent in agents}
    for agent in agents:
        assert 0 < agent.free_bytes < agent.whole_bytes
        assert not agent.full
    (tmp_path / "go").touch()
    assert server.finished(slow) == [10, 20]


def test_a_map_is_shared_by_several_agents(started: Callable[..., Server], tmp_path: Path) -> None:
    server = started(least=3, most=3)
    server.until(lambda: server.engine.state().slots == 3)
    jids = server.map(lambda i: i * 2, list(range(5000)))
    assert server.finished(jids) == list(range(0, 10_000, 2))
    slow = server.map(runs_in(tmp_path, "go"), [1, 2, 3])
    server.until(lambda: all(times_run(tmp_path, item) for item in (1, 2, 3)))
    (tmp_path / "go").touch()
    assert server.finished(slow) == [10, 20, 30]


def test_jobs_of_a_silent_agent_run_elsewhere_and_what_it_says_later_is_refused(
    started: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = started(least=2, most=2)
    server.until(lambda: server.engine.state().slots == 2)
    jids = server.map(runs_in(tmp_path, "go"), [1])
    server.until(lambda: times_run(tmp_path, 1) == 1)
    held = server.store.claims_of(1)[0].agent
    (line,) = [line for line in server.lines.lines if line.name == held]
    server.until(lambda: server.hears_nothing_of(line) and times_run(tmp_path, 1) == 2)
    (tmp_path / "go").touch()
    assert server.finished(jids) == [10]
    assert {agent.name: agent.silent for agent in server.engine.state().agents}[held]
    line.passable.set()
    server.until(lambda: not any(agent.silent for agent in server.engine.state().agents))
    server.until(lambda: "came after their claim was reaped: refused" in caplog.text)
    assert server.finished(jids) == [10]
    assert len(server.jobs.info((jids,), ["attempts"])[0]["attempts"]) == 2


def test_a_job_that_must_not_run_twice_ends_in_error_when_its_agent_is_silent(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    server = started(least=2, most=2)
    server.until(lambda: server.engine.state().slots == 2)
    jids = server.map(runs_in(tmp_path, "go"), [1], restartable=False)
    server.until(lambda: times_run(tmp_path, 1) == 1)
    (line,) = [line for line in server.lines.lines if line.name == server.store.claims_of(1)[0].agent]
    server.until(lambda: server.hears_nothing_of(line) and server.statuses(jids) == ["error"])
    (tmp_path / "go").touch()
    line.passable.set()
    server.until(lambda: server.engine.state().slots >= 2)  # another one came meanwhile, perhaps
    assert (server.statuses(jids), times_run(tmp_path, 1)) == (["error"], 1)
    assert "no sign of life" in server.jobs.info((jids,), ["exception"])[0]["exception"]


@pytest.mark.parametrize("own", [True, False], ids=["the same server", "another server"])
def test_what_runs_goes_on_while_the_server_starts_again(
    started: Callable[..., Server], tmp_path: Path, own: bool
) -> None:
    first = started(least=2, most=2)
    first.until(lambda: first.engine.state().slots == 2)
    running = first.map(runs_in(tmp_path, "go"), [1, 2], restartable=False)
    first.until(lambda: times_run(tmp_path, 1) + times_run(tmp_path, 2) == 2)
    behind = first.map(lambda i: i + 1, list(range(100)))
    first.crash()
    (tmp_path / "go").touch()  # they end while no server is there
    second = started(earlier=first, own=own, least=2, most=2)
    assert second.finished(running) == [10, 20]
    assert second.finished(behind) == list(range(1, 101))
    assert [times_run(tmp_path, item) for item in (1, 2)] == [1, 1]
    assert second.store.claims_of(1) == []


def test_outcomes_that_were_heard_and_not_stored_come_again(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started()
    first.until(lambda: first.engine.state().slots == 1)
    jids = first.map(runs_in(tmp_path), [1])
    heard: list[Any] = []
    poller = select.poll()
    poller.register(first.engine.fileno(), select.POLLIN)
    while not heard:
        poller.poll(1000)
        heard += first.engine.poll()
    first.crash()
    second = started(earlier=first)
    assert second.finished(jids) == [10]
    assert times_run(tmp_path, 1) == 1


def test_an_agent_to_which_nobody_listens_kills_its_jobs_and_ends(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    server.map(runs_in(tmp_path, "never"), [1])
    server.until(lambda: times_run(tmp_path, 1) == 1)
    pid = int((tmp_path / "ran-1").read_text())
    (line,) = server.lines.lines
    line.passable.clear()
    line.foreman._silence_seconds = 0.5
    server.until(lambda: not os.path.exists(f"/proc/{pid}"))


def test_agents_come_while_jobs_wait_and_go_when_there_are_none(started: Callable[..., Server], tmp_path: Path) -> None:
    server = started(least=1, most=3, idle_seconds=0.3)
    server.until(lambda: server.engine.state().slots == 1)
    jids = server.map(runs_in(tmp_path, "go"), [1, 2, 3, 4])
    server.until(lambda: server.engine.state().slots == 3)
    server.until(lambda: sum(times_run(tmp_path, item) for item in (1, 2, 3, 4)) == 3)
    (tmp_path / "go").touch()
    assert server.finished(jids) == [10, 20, 30, 40]
    server.until(lambda: server.engine.state().slots == 1)


def test_a_killed_job_that_ran_through_a_restart_ends_as_killed(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started()
    first.until(lambda: first.engine.state().slots == 1)
    jids = first.map(runs_in(tmp_path, "never"), [1])
    first.until(lambda: times_run(tmp_path, 1) == 1)
    first.lines.lines[0].passable.clear()  # the kill does not get through any more
    first.jobs.kill((jids,), force=True)
    first.crash()
    second = started(earlier=first)
    second.until(lambda: second.statuses(jids) == ["killed"])


def test_jobs_behind_one_that_takes_longer_than_expected_go_back_and_stay_in_the_queue(
    started: Callable[..., Server], tmp_path: Path
) -> None:
    def mostly_brief(gate: str) -> str:
        import os
        import time

        while gate and not os.path.exists(gate):
            time.sleep(0.01)
        return gate

    server = started()
    server.until(lambda: server.engine.state().slots == 1)
    server.finished(server.map(mostly_brief, [""] * 20))
    long = server.map(mostly_brief, [str(tmp_path / "go")])
    behind = server.map(mostly_brief, [""] * 3)
    server.until(lambda: server.statuses(behind) == ["queued"] * 3)
    (held,) = server.store.claims_of(1)
    for _ in range(20):
        server.map(mostly_brief, [""])
    assert server.store.claims_of(1) == [held]
    (tmp_path / "go").touch()
    assert server.finished(long) == [str(tmp_path / "go")]
    assert server.finished(behind) == [""] * 3
