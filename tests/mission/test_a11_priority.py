"""SPEC A.11: priority."""

import pytest

from cloud.client.session import Session
from tests.support.gates import Gate, Paper
from tests.support.waiting import eventually


def test_lower_numbers_run_first_and_equal_ones_in_order(cloud: Session, gate: Gate, paper: Paper) -> None:
    """S43: default 5, else first in, first out, for `call` and `map`; beyond: on cloud.mp too, and negative ones."""
    jobs = cloud.map(gate.stop, range(2))
    for number in range(2):
        gate.wait_for(number)
    eventually(lambda: cloud.info(jobs[1], "runtime")[jobs[1]]["runtime"] > 0.1, what="jobs known not to be short")
    line = [
        cloud.call(paper.write, "9", _priority=9),
        cloud.call(paper.write, "default"),
        *cloud.map(paper.write, ["1a"], _priority=1),
        cloud.call(paper.write, "1b", _priority=1),
        cloud.call(paper.write, "5", _priority=5),
        cloud.call(paper.write, "-3", _priority=-3),
    ]
    cloud.kill(jobs[0])  # one worker is free, and takes them one after another
    cloud.join(line)
    assert paper.lines == ["-3", "1a", "1b", "default", "5", "9"]


@pytest.mark.parametrize("priority", ["high", 1.5, None, True])
def test_a_priority_is_an_integer(cloud: Session, priority: object) -> None:
    """S44: a hint: it takes no worker from a job that runs; what is no integer is a TypeError."""
    with pytest.raises(TypeError, match="_priority"):
        cloud.call(abs, 1, _priority=priority)


def test_it_takes_no_worker_from_a_job_that_runs(cloud: Session, gate: Gate) -> None:
    """S44."""
    jobs = cloud.map(gate.stop, range(2), _priority=9)
    for number in range(2):
        gate.wait_for(number)
    urgent = cloud.call(abs, -1, _priority=1)
    eventually(lambda: cloud.status([*jobs, urgent]) == ["processing", "processing", "queued"])
    gate.open()
    assert cloud.result(urgent) == 1
