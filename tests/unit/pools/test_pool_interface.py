"""S73: the functions of `cloud.pool_interface`, on the active cloud, without the old defects."""

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest

import cloud
from cloud import pool_interface
from cloud.client import sessions
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def active(session: Session) -> Iterator[None]:
    before = sessions.activate(session)
    yield
    sessions.activate(before)


def test_s73_the_names_of_multiprocessing_are_there(api: ScriptedApi) -> None:
    """S73: a near duplicate of the interface of `multiprocessing.Pool`."""
    api.at_once = True
    assert cloud.pool_interface.apply(divmod, (7, 2)) == (3, 1)
    assert pool_interface.apply(int, ("11",), {"base": 2}) == 3
    assert pool_interface.apply_async(abs, (-1,)).get() == 1
    assert pool_interface.map(abs, [-1, -2], chunksize=1) == [1, 2]
    assert pool_interface.map_async(abs, iter([-1, -2])).get() == [1, 2]
    assert list(pool_interface.imap(abs, [-1, -2])) == [1, 2]
    assert sorted(pool_interface.imap_unordered(abs, iter([-1, -2]))) == [1, 2]


def test_timeouts_are_honoured() -> None:
    result = pool_interface.map_async(abs, [1])
    result.wait(0.01)
    assert not result.ready()
    with pytest.raises(ValueError, match="not ready"):
        result.successful()
    for family in (CloudTimeoutError, multiprocessing.TimeoutError):
        with pytest.raises(family):
            result.get(timeout=0)
        with pytest.raises(family):
            pool_interface.imap(abs, [1]).next(0.01)


def test_imap_unordered_is_unordered(api: ScriptedApi) -> None:
    results = pool_interface.imap_unordered(abs, [1, 2])
    api.run(2)
    assert next(results) == 2


def test_waiting_for_a_failed_job_raises_nothing_and_getting_raises_a_cloud_exception(api: ScriptedApi) -> None:
    api.at_once = True
    result = pool_interface.apply_async(divmod, (1, 0))
    result.wait()
    assert result.ready()
    assert not result.successful()
    iterators = (pool_interface.imap, pool_interface.imap_unordered)
    asks: list[Any] = [result.get, *(lambda f=f: next(f(lambda x: 1 // x, [0])) for f in iterators)]
    for ask in asks:
        with pytest.raises(JobError) as raised:
            ask()
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_callbacks_get_the_jid_of_each_job(api: ScriptedApi) -> None:
    heard: list[Any] = []

    def failed(jid: int) -> None:
        heard.append(-jid)

    one = pool_interface.apply_async(abs, (1,), callback=[heard.append, heard.append])
    many = pool_interface.map_async(lambda x: 1 // x, [1, 0], callback=heard.append, error_callback=failed)
    api.run(1, 2, 3)
    eventually(lambda: sorted(heard) == [-3, 1, 1, 2])
    assert [one.jids, many.jids] == [1, range(2, 4)]


def test_a_callback_that_cannot_be_called_leaves_no_job(api: ScriptedApi) -> None:
    with pytest.raises(CloudException, match="must be callable"):
        pool_interface.apply_async(abs, (1,), callback=3)  # type: ignore[arg-type]
    assert api.jobs == {}
