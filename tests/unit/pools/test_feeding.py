"""Iterables that are slow, endless, or abandoned."""

import gc
import itertools
import threading
from collections.abc import Iterator

import pytest

from cloud.client.session import Session
from cloud.pool_interface import Pool, PoolTimeoutError
from cloud.pools import feeding
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


def test_a_slow_iterable_holds_up_nothing_that_has_come(busy: Session) -> None:
    goes_on = threading.Event()

    def items() -> Iterator[int]:
        yield from (1, 2)
        goes_on.wait(60)
        yield 3

    pool = Pool(cloud=busy)
    iterator, unordered = pool.imap(abs, items()), pool.imap_unordered(abs, items())
    for each in (iterator, unordered):
        assert sorted((each.next(60), each.next(60))) == [1, 2]
        with pytest.raises(PoolTimeoutError):
            each.next(0.01)
    goes_on.set()
    assert [iterator.next(60), unordered.next(60)] == [3, 3]


def test_an_endless_iterable_is_read_ahead_so_far_and_no_farther(
    busy: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "AHEAD_JOBS", 10)
    taken = itertools.count()
    iterator = Pool(cloud=busy).imap(abs, taken)
    assert [next(iterator) for _ in range(25)] == list(range(25))
    assert next(taken) <= 25 + 10 + 1


def test_closing_the_pool_lifts_the_limit(api: ScriptedApi, busy: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "AHEAD_JOBS", 3)
    pool = Pool(cloud=busy)
    iterator = pool.imap(abs, iter(range(100)))
    pool.close()
    pool.join()
    assert list(iterator) == list(range(100))


def test_nothing_runs_on_when_nobody_reads(busy: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "AHEAD_JOBS", 3)
    before = threading.active_count()
    iterators = [Pool(cloud=busy).imap(abs, itertools.count()) for _ in range(3)]
    assert [next(each) for each in iterators] == [0] * 3
    del iterators
    gc.collect()
    eventually(lambda: threading.active_count() <= before, what="the threads end")


def test_quick_iterables_travel_in_few_submissions(api: ScriptedApi, session: Session) -> None:
    api.at_once = True
    assert list(Pool(cloud=session).imap(abs, iter(range(20_000)))) == list(range(20_000))
    assert len(api.sealed) < 2000
