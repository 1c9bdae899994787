"""S55, S56: what `cloud.mp` keeps in memory can be let go of, and its workers end with the program."""

from collections.abc import Iterator

import pytest

from cloud import mp
from cloud.errors import JobNotFound
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _two_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    mp.close()
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    yield
    mp.close()


def test_deleted_jobs_are_gone() -> None:
    """S30, S55: the first way is to delete jobs that are not needed any more."""
    jids = mp.map(abs, range(10))
    mp.join(jids)
    mp.delete(jids[:5])
    with pytest.raises(JobNotFound):
        mp.result(jids[4])
    assert mp.result(jids[5:]) == [5, 6, 7, 8, 9]


def test_with_a_limit_older_jobs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """S55: the second way is `mp_cache_size_limit`."""
    monkeypatch.setenv("PICLOUD_MP_CACHE_SIZE_LIMIT", "60")
    old = mp.map(abs, range(50))
    mp.join(old)
    young = mp.map(abs, range(50))
    mp.join(young)
    eventually(lambda: sum(not gone(jid) for jid in old) == 10, what="all but sixty jobs to be forgotten")
    assert mp.result(young) == list(range(50))


def gone(jid: int) -> bool:
    try:
        mp.status(jid)
    except JobNotFound:
        return True
    return False
