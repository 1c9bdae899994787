"""SPEC A.17: pool_interface."""

from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from cloud import pool_interface
from cloud.client import sessions
from cloud.client.session import Session
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _active(cloud: Session) -> Iterator[None]:
    before = sessions.activate(cloud)
    yield
    sessions.activate(before)


def square(x: int) -> int:
    return x * x


def test_calls_of_multiprocessing_pool_can_be_replaced() -> None:
    """S73: the functions of the module do what those of a pool do, on the active cloud."""
    with ThreadPool(1) as pool:
        both: list[Any] = [pool_interface, pool]
        for module in both:
            assert module.apply(square, (3,)) == 9
            assert module.apply_async(square, (3,)).get(60) == 9
            assert module.map(square, range(5)) == [0, 1, 4, 9, 16]
            assert module.map_async(square, range(5)).get(60) == [0, 1, 4, 9, 16]
            assert list(module.imap(square, range(5))) == [0, 1, 4, 9, 16]
            assert sorted(module.imap_unordered(square, range(5))) == [0, 1, 4, 9, 16]
            result = module.map_async(square, range(5))
            result.wait(120)
            assert result.ready()
            assert result.successful()


def test_programs_with_a_pool_run_unchanged() -> None:
    """S73: "lacks many features": lifted: the class is there too, with initializers, lambdas and callbacks."""
    heard: list[int] = []
    with pool_interface.Pool(2) as pool:
        assert pool.map(lambda x: x + 1, range(3)) == [1, 2, 3]
        pool.apply_async(square, (4,), callback=heard.append)
        eventually(lambda: heard == [16])
