"""The Engine port: a worker that cannot be made ready for its jobs."""

from collections.abc import Iterator

import pytest

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
