"""SPEC A.2: iresult."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError
from tests.support.gates import Gate


def square(x: int) -> int:
    return x * x


def inverse(x: int) -> float:
    return 1 / x


def test_results_come_in_order_before_every_job_has_completed(cloud: Session, gate: Gate) -> None:
    """S6: the mission's example: 0, 1, 4, 9, 16, 25, 36, 49; printing starts before every job has completed."""

    def squared(x: int) -> int:
        if x == 7:
            gate.stop()
        return x * x

    jids = cloud.map(squared, range(8))
    results = cloud.iresult(jids)
    assert [next(results) for _ in range(7)] == [0, 1, 4, 9, 16, 25, 36]
    gate.wait_for()
    assert cloud.status(jids[7]) == "processing"
    gate.open()
    assert list(results) == [49]
    assert list(cloud.iresult([jids[3], jids[1]])) == [9, 1]


def test_result_blocks_until_every_result_is_there(cloud: Session, gate: Gate) -> None:
    """S7."""

    def squared(x: int) -> int:
        if x == 1:
            gate.stop()
        return x * x

    jids = cloud.map(squared, range(3))
    gate.wait_for()
    with pytest.raises(CloudTimeoutError) as timeout:
        cloud.result(jids, timeout=0.3)
    assert jids[1] in (timeout.value.jid or [])
    gate.open()
    assert cloud.result(jids) == [0, 1, 4]


def test_an_error_is_raised_when_its_turn_comes_and_the_iterator_goes_on(cloud: Session) -> None:
    """S8, S12: not at creation; the next step gives the next job's result."""
    jids = cloud.map(inverse, [1, 0, 4])
    cloud.join(jids, ignore_errors=True)
    results = cloud.iresult(jids)
    assert next(results) == 1
    with pytest.raises(JobError) as error:
        next(results)
    assert error.value.jid == jids[1]
    assert next(results) == 0.25
    with pytest.raises(StopIteration):
        next(results)


@pytest.mark.parametrize("number", [0, 1, 4, 2000])
def test_any_number_in_parallel_gives_the_same_results(cloud: Session, number: int) -> None:
    """S9: how many results may be fetched ahead; 0: the system's maximum; the default is 4."""
    assert inspect.signature(cloud.iresult).parameters["num_in_parallel"].default == 4
    jids = cloud.map(lambda x: bytes([x]) * 50_000, range(6))
    assert [len(b) * b[0] for b in cloud.iresult(jids, num_in_parallel=number)] == [50_000 * x for x in range(6)]


def test_the_next_result_may_be_late(cloud: Session, gate: Gate) -> None:
    """S10, S11, S12: timeouts by `iresult(timeout=)` or for one step by `next(timeout)`; None disables them; the late
    result is there at the next step."""
    jid = cloud.call(gate.stop)
    results = cloud.iresult([jid], timeout=0.05)
    with pytest.raises(CloudTimeoutError):
        next(results)
    with pytest.raises(CloudTimeoutError):
        results.next(timeout=0.01)
    unlimited = cloud.iresult([jid])
    with pytest.raises(CloudTimeoutError):
        unlimited.next(0.05)
    gate.open()
    assert results.next(timeout=None) is None
    assert next(unlimited) is None


def test_errors_may_be_yielded(cloud: Session) -> None:
    """S12a: with `ignore_errors`, the exception is yielded in place of being raised."""
    first, second, third = cloud.iresult(cloud.map(inverse, [1, 0, 4]), ignore_errors=True)
    assert (first, third) == (1, 0.25)
    assert isinstance(second, CloudException)
    assert isinstance(second.__cause__, ZeroDivisionError)


def test_the_iterator_is_an_iterator(cloud: Session, tmp_path: Path) -> None:
    """S6: it can be used wherever Python takes one."""
    results: Any = cloud.iresult(cloud.map(square, range(4)))
    assert iter(results) is results
    assert sum(results) == 14
