"""CPython's own tests of executors, `wait` and `as_completed`, on `cloud.Executor`."""

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import cloud
from tests.support import cpython
from tests.support.cpython import OnCloud
from tests.support.required import REQUIRE_ALL, require_or_skip
from tests.support.waiting import HANG_SECONDS, eventually

_PROCESSES = "it looks at the private processes of a ProcessPoolExecutor"
_EXIT = "it tests the end of the interpreter: jobs on a server outlive the program, those of `cloud.mp` end with it"
NOT_HERE = {
    "test_cancel_futures_wait_false": _EXIT,
    "test_context_manager_shutdown": _PROCESSES,
    "test_del_shutdown": _PROCESSES,
    "test_executor_map_current_future_cancel": "it waits for a threading.Event inside the function",
    "test_force_shutdown_workers": _PROCESSES,
    "test_force_shutdown_workers_invalid_op": _PROCESSES,
    "test_force_shutdown_workers_stops_pool": _PROCESSES,
    "test_hang_gh83386": _EXIT,
    "test_hang_gh94440": _EXIT,
    "test_idle_process_reuse_multiple": _PROCESSES,
    "test_idle_process_reuse_one": _PROCESSES,
    "test_interpreter_shutdown": _EXIT,
    "test_kill_workers": _PROCESSES,
    "test_killed_child": "a worker that dies fails its job, not the executor; it is found in a private list",
    "test_max_tasks_early_shutdown": _PROCESSES,
    "test_max_tasks_per_child": _PROCESSES,
    "test_max_tasks_per_child_defaults_to_spawn_context": _PROCESSES,
    "test_max_workers_too_large": "it is for Windows only",
    "test_process_fork_from_a_threadpool": "it forks ProcessPoolExecutors of the standard library",
    "test_processes_terminate": _PROCESSES,
    "test_python_finalization_error": _PROCESSES,
    "test_ressources_gced_in_workers": "it sends a multiprocessing.Manager's object, which lives in one program",
    "test_saturation": "it sends a multiprocessing.Semaphore, which lives in processes that one program has started",
    "test_shutdown_no_wait": _PROCESSES,
    "test_spawn_process_fails": _PROCESSES,
    "test_submit_after_interpreter_shutdown": _EXIT,
    "test_terminate_workers": _PROCESSES,
}
"""Tests that do not make sense, and why: the page on pools tells the same."""
ADOPTED = (
    "AsCompletedTests", "ExecutorShutdownTest", "FailingInitializerMixin", "InitializerMixin",
    "ProcessPoolExecutorTest", "WaitTests",
)  # fmt: skip
OUTLASTED = {
    "test_first_completed", "test_first_completed_some_already_completed", "test_first_exception",
    "test_first_exception_one_already_failed", "test_first_exception_some_already_complete", "test_map_timeout",
    "test_timeout", "test_zero_timeout",
}  # fmt: skip
"""In these a job sleeps for a second or some, so as not to end before the test: here it sleeps until the test ends."""
SLEEPY = {"AsCompletedTests", "WaitTests", "test_map_timeout"}
"""They sleep for half a minute on each cloud: on the server only where everything is tested."""


class Clock:
    """The module `time` but for `sleep`, which lasts as long as a folder is there, or for some seconds."""

    def __init__(self, folder: str, seconds: float = math.inf) -> None:
        self._folder, self._seconds = folder, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @property
    def sleep(self) -> Callable[[float], None]:
        """For jobs, too; 0 is 0."""
        folder, most = self._folder, self._seconds

        def stay(seconds: float) -> None:
            import os
            import time

            end = time.monotonic() + most
            while seconds and os.path.exists(folder) and time.monotonic() < end:
                time.sleep(0.02)

        return stay


class ExecutorOnCloud(OnCloud):
    """What the tests ask of the class that they are mixed into."""

    worker_count = 5
    executor_kwargs: dict[str, Any] = {}
    executor: cloud.Executor

    @classmethod
    def executor_type(cls, *args: Any, **kwargs: Any) -> cloud.Executor:
        return cloud.Executor(*args, cloud=cls.session, **kwargs)

    def setUp(self) -> None:
        super().setUp()
        self._be_patient()
        if not hasattr(self, "executor"):  # the initializer tests make their own
            self.executor = self.executor_type(max_workers=self.worker_count, **self.executor_kwargs)
        if self._testMethodName == "test_cancel_futures":
            vars(self.executor)["shutdown"] = self._shut_down_once_one_runs

    def _be_patient(self) -> None:
        """What supposes that a machine is never slow does so no more."""
        self._folder = tempfile.TemporaryDirectory()
        theirs = getattr(type(self), self._testMethodName).__globals__
        if "support" in theirs:
            self.enterContext(mock.patch.object(theirs["support"], "SHORT_TIMEOUT", HANG_SECONDS))
        if self._testMethodName in OUTLASTED:
            self.enterContext(mock.patch.dict(theirs, time=Clock(self._folder.name)))
        elif self._testMethodName == "test_cancel_futures":  # a tenth of a second is soon over
            self.enterContext(mock.patch.dict(theirs, time=Clock(self._folder.name, seconds=1.0)))

    def _shut_down_once_one_runs(self, **how: Any) -> None:
        del self.executor.shutdown  # from now on it is the class's again
        futures = list(self.executor._futures.values())
        eventually(lambda: any(future.running() or future.done() for future in futures))
        self.executor.shutdown(**how)

    def tearDown(self) -> None:
        self._folder.cleanup()
        if self.executor is not None:
            self.executor.shutdown(wait=True)
        super().tearDown()

    @contextlib.contextmanager
    def _assert_logged(self, text: str) -> Iterator[None]:
        yield  # an initializer that fails is told by the futures, with its traceback; the log is the worker's


_module = cpython.find("test_concurrent_futures")
_tests = cpython.names_of(_module) if _module is not None else {}
for _name in sorted(set(ADOPTED) & set(_tests)):
    cpython.adopt(globals(), _tests[_name], ExecutorOnCloud, NOT_HERE, ["Mp"])
    if REQUIRE_ALL:
        cpython.adopt(globals(), _tests[_name], ExecutorOnCloud, NOT_HERE, ["Server"])
    elif _name not in SLEEPY:
        _left_out = NOT_HERE | dict.fromkeys(SLEEPY, "")
        cpython.adopt(globals(), _tests[_name], ExecutorOnCloud, _left_out, ["Server"])


def test_cpythons_tests_are_there() -> None:
    if _module is None:
        require_or_skip(f"this Python has no test.test_concurrent_futures: {cpython.HOW_TO_GET}")
