"""S73: CPython's own tests of `multiprocessing.Pool`, on `cloud.pool_interface.Pool`."""

import functools
import multiprocessing
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from cloud.pool_interface import Pool
from tests.support import cpython
from tests.support.cpython import OnCloud
from tests.support.required import require_or_skip

NOT_HERE = {
    "test_make_pool": "it counts the processes in a private list; what it checks of arguments is tested elsewhere",
    "test_map_no_failfast": "its exception is larger than 256 KiB, and of such only the text travels",
    "test_resource_warning": "it sets a private state; a pool of ours holds no processes that could be left behind",
    "test_unpickleable_result": "it returns a lambda, which is no error here: lambdas travel",
    "test_pool_worker_lifetime": "it replaces processes through private methods; processes belong to the cloud",
    "test_worker_finalization_via_atexit_handler_of_multiprocessing": "it tests the exit of other pools",
}
"""Tests that do not make sense, and why: the page on pools tells the same."""


class Patient:
    """For their `TimingWrapper`, where two seconds are told from several minutes: here one minute is."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.elapsed = 0.0

    def __call__(self) -> Any:
        began = time.monotonic()
        result = self._function()
        self.elapsed = (time.monotonic() - began) / 30
        return result


def sqr_later(x: int, wait: float, event: None = None) -> int:
    """For their `sqr`, where its result must not come in time, in some versions by a second."""
    time.sleep(max(wait, 10))  # the job sleeps
    return x * x


class PoolOnCloud(OnCloud):
    """What the tests ask of the class that they are mixed into."""

    TYPE = "processes"

    @classmethod
    def Pool(cls, *args: Any, **kwargs: Any) -> Pool:
        return Pool(*args, cloud=cls.session, **kwargs)

    def setUp(self) -> None:
        super().setUp()
        if self._testMethodName == "test_terminate":
            self.enterContext(mock.patch.object(_tests, "TimingWrapper", Patient))
        elif self._testMethodName == "test_async_timeout":
            self.enterContext(mock.patch.object(_tests, "sqr", sqr_later))

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls._ends.enter_context(mock.patch.object(multiprocessing, "Pool", functools.partial(Pool, cloud=cls.session)))


_tests = cpython.find("_test_multiprocessing")
if _tests is not None:
    for _name in ("_TestPool", "_TestPoolWorkerErrors", "_TestPoolWorkerLifetime"):
        cpython.adopt(globals(), getattr(_tests, _name), PoolOnCloud, NOT_HERE)


def test_cpythons_tests_are_there() -> None:
    if _tests is None:
        require_or_skip(f"this Python has no test._test_multiprocessing: {cpython.HOW_TO_GET}")
