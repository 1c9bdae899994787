"""Jobs that run through a restart of their server count for the next one as what they are."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.dispatch.jobs import Jobs
from tests.scenarios.test_fleet import Server, runs_in, times_run


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**more: Any) -> Server:
        servers.append(Server(tmp_path, slots=4, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.engine.abandon()
        server.lines.end()


def serve(server: Server, account: int) -> None:
    """Submit for this account from now on."""
    server.jobs = Jobs(server.dispatcher, account)


def test_they_take_as_many_slots_of_the_same_account(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started()
    first.until(lambda: first.engine.state().slots == 4)
    serve(first, 2)
    jids = first.map(runs_in(tmp_path, "go"), [1], cores=3)
    first.until(lambda: times_run(tmp_path, 1) == 1)
    first.crash()
    second = started(earlier=first)
    second.until(lambda: second.engine.state().slots == 4)
    assert second.engine.used_by() == {2: 3}
    (agent,) = second.engine.state().agents
    assert (agent.slots, agent.used, agent.busy, agent.silent) == (4, 3, 1, False)
    serve(second, 2)
    wide = second.map(runs_in(tmp_path), [2], cores=2)
    narrow = second.map(runs_in(tmp_path), [3])
    assert second.finished(narrow) == [30]
    assert second.statuses(wide) == ["queued"]
    (tmp_path / "go").touch()
    assert second.finished(jids) + second.finished(wide) == [10, 20]
    assert second.engine.used_by() == {}


def test_an_account_has_no_more_slots_than_it_may_have(started: Callable[..., Server], tmp_path: Path) -> None:
    first = started()
    first.until(lambda: first.engine.state().slots == 4)
    first.dispatcher.accounts.change(2, name="two", limits={"slots": 2})
    serve(first, 2)
    first.map(runs_in(tmp_path, "go"), [1, 2])
    first.until(lambda: times_run(tmp_path, 1) + times_run(tmp_path, 2) == 2)
    first.crash()
    second = started(earlier=first)
    second.until(lambda: second.engine.state().slots == 4)
    serve(second, 2)
    more = second.map(runs_in(tmp_path), [3])
    serve(second, 3)
    assert second.finished(second.map(runs_in(tmp_path), [4])) == [40]
    serve(second, 2)
    assert second.statuses(more) == ["queued"]
    (tmp_path / "go").touch()
    assert second.finished(more) == [30]


def test_those_in_lent_slots_take_none(started: Callable[..., Server], tmp_path: Path) -> None:
    def waits_for(jid: int) -> Callable[[int], int]:
        def job(item: int) -> int:
            import os
            import time

            from cloud.wire import worker

            assert worker.CHANNEL is not None
            worker.CHANNEL.waiting((range(jid, jid + 1),))
            while not os.path.exists(tmp_path / "go"):
                time.sleep(0.01)
            worker.CHANNEL.resumed()
            return item

        return job

    first = started()
    first.until(lambda: first.engine.state().slots == 4)
    serve(first, 2)
    first.map(runs_in(tmp_path, "go"), [2], cores=2)
    serve(first, 1)
    outer = first.map(waits_for(3), [7], cores=2)
    inner = first.map(runs_in(tmp_path, "go"), [1], cores=2)
    assert (list(outer), list(inner)) == ([2], [3])
    first.until(lambda: times_run(tmp_path, 1) == 1)
    assert first.engine.used_by() == {1: 2, 2: 2}
    first.crash()
    second = started(earlier=first)
    second.until(lambda: second.engine.state().slots == 4)
    assert second.engine.used_by() == {1: 2, 2: 2}
    (tmp_path / "go").touch()
    assert second.finished(outer) + second.finished(inner) == [7, 10]
