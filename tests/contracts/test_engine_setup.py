"""The Engine port: workers that cannot be made ready for their jobs, and seats that one offer leaves to the next."""

from collections.abc import Iterator

import pytest

from cloud.dispatch.ports import Wanted
from cloud.model import Status
from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


def test_a_variable_that_no_process_can_have_is_an_error_that_says_so(cloud: Dispatcher) -> None:
    jobs = cloud.finish(cloud.map(lambda i: i, range(3), os_env_vars={"A": "x\0y"}))
    for job in jobs:
        assert job.status == Status.ERROR
        assert job.text("error") == "The worker could not be made ready for the job: ValueError: embedded null byte"
        assert job.text("stderr") == ""
    assert cloud.lost == []
    assert cloud.finish(cloud.call(lambda: 1))[0].result == 1


def test_an_offer_holds_no_more_seats_than_are_of_use(cloud: Dispatcher) -> None:
    cloud.finish(cloud.call(lambda: 1))
    submission = cloud.map(lambda i: i, range(100))
    cloud.ready.clear()
    cloud.engine.poll()
    first = cloud.engine.offer(Wanted(submission, 0, 100, seats=1))
    second = cloud.engine.offer(Wanted(submission, 0, 100, seats=1))
    assert len(first) == len(second) == 1
    assert first[0].worker != second[0].worker
    assert cloud.engine.offer(Wanted(submission, 0, 100, seats=1)) == []
