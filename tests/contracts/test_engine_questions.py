"""The Engine port: what jobs say over the socket that they share with their agent, whatever it is."""

import json
from collections.abc import Iterator

import pytest

from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


@pytest.mark.parametrize(
    "said", [b"]]]", b"\xff\xfe", b"[3]", b"[" * 100_000, json.dumps([[0, 1 << 70]]).encode(), b"[[0, 1e999]]"]
)
def test_a_job_that_says_nonsense_of_what_it_waits_for_is_refused_and_disturbs_nobody(
    cloud: Dispatcher, said: bytes
) -> None:
    def talk() -> str:
        from cloud.wire import worker

        channel = worker.CHANNEL
        return bytes(channel._ask(worker.Ask.WAITING, [said])).decode()  # type: ignore[union-attr]

    (job,) = cloud.finish(cloud.call(talk))
    assert "cannot be waited for" in job.result
    assert not cloud.engine.blocked()
    (other,) = cloud.finish(cloud.call(abs, -1))
    assert other.result == 1
