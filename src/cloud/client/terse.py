"""Errors about jobs are raised without the frames of this package: what the reader needs is the job's own traceback."""

# ruff: noqa: B904 (what is raised again is the same error, with its own cause; its line is printed to users, bare)

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from cloud.errors import CloudTimeoutError, JobError, JobNotFound

ABOUT_JOBS = (JobError, JobNotFound, CloudTimeoutError)
P = ParamSpec("P")
T = TypeVar("T")


def tersely(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which leaves a single frame in the traceback of an error about a job. Others, such as that of
    a server which does not answer, keep all of theirs."""

    @functools.wraps(function)
    def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except ABOUT_JOBS as failure:
            raise failure.with_traceback(None)

    return cloud


def tersely_awaited(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same for a coroutine function."""

    @functools.wraps(function)
    async def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except ABOUT_JOBS as failure:
            raise failure.with_traceback(None)

    return cloud
