"""SPEC A.3: kill."""

from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import JobError
from tests.support.gates import Gate, Paper


def infinite_loop(paper: Paper) -> None:
    paper.write("here")
    while True:
        pass


def test_a_job_that_would_never_end_is_killed(cloud: Session, paper: Paper) -> None:
    """S13, S15: the mission's example: an infinite loop, at least until it is killed."""
    jid = cloud.call(infinite_loop, paper)
    cloud.kill(jid)
    with pytest.raises(JobError) as error:
        cloud.result(jid)
    assert (error.value.status, error.value.jid) == ("killed", jid)
    assert cloud.status(jid) == "killed"


def test_a_sequence_of_jobs_is_killed(cloud: Session, gate: Gate) -> None:
    """S14, S15."""
    jids = [*cloud.map(gate.stop, range(10)), cloud.call(gate.stop, "last")]
    gate.wait_for(0)
    cloud.kill(jids)
    cloud.join(jids, ignore_errors=True)
    assert set(cloud.status(jids)) == {"killed"}


def test_what_depends_on_a_killed_job_stalls(cloud: Session, gate: Gate) -> None:
    """S16: and what depends on that."""
    jid = cloud.call(gate.stop)
    dependent = cloud.map(abs, range(3), _depends_on=jid)
    last = cloud.call(abs, 1, _depends_on=dependent)
    cloud.kill(jid)
    cloud.join([*dependent, last], ignore_errors=True)
    assert cloud.status([jid, *dependent, last]) == ["killed", *["stalled"] * 4]


def test_what_does_not_run_is_killed_when_kill_returns(cloud: Session, gate: Gate) -> None:
    """S17: "may take several seconds": beyond: at once for what does not run, soon for what does, at once by force."""
    running = cloud.map(gate.stop, range(2))
    for number in range(2):
        gate.wait_for(number)
    queued = cloud.map(abs, range(5))
    waiting = cloud.call(abs, 1, _depends_on=running)
    cloud.kill([*queued, waiting])
    assert set(cloud.status([*queued, waiting])) == {"killed"}
    cloud.kill(running[0])
    cloud.kill(running[1], force=True)
    cloud.join(running, ignore_errors=True, timeout=120)
    assert cloud.status(running) == ["killed"] * 2


def test_kill_without_jids_is_of_everything_and_of_none_is_of_nothing(cloud: Session, gate: Gate) -> None:
    """S17a."""
    jids = cloud.map(gate.stop, range(5))
    nothings: list[Any] = [[], (), range(0), set()]
    for nothing in nothings:
        cloud.kill(nothing)
    gate.wait_for(0)
    assert "killed" not in cloud.status(jids)
    cloud.kill()
    cloud.join(jids, ignore_errors=True)
    assert set(cloud.status(jids)) == {"killed"}


def test_finished_jobs_are_left_as_they_are(cloud: Session) -> None:
    """S17b."""
    jids = cloud.map(lambda x: 1 / x, [1, 0])
    cloud.join(jids, ignore_errors=True)
    cloud.kill(jids)
    cloud.kill()
    assert cloud.status(jids) == ["done", "error"]
    assert cloud.result(jids[0]) == 1
    cloud.delete(jids[1])
    cloud.kill(jids)  # one of them is forgotten, on demand or by a limit: the others are killed all the same
