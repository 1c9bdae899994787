"""Errors about jobs are raised without the frames of this package: what the reader needs is the job's own traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from cloud.errors import CloudTimeoutError, JobError, JobNotFound

P = ParamSpec("P")
T = TypeVar("T")


def tersely(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which leaves a single frame in the traceback of an error about a job. Others, such as that of
    a server which does not answer, keep all of theirs."""

    @functools.wraps(function)
    def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (JobError, JobNotFound, CloudTimeoutError) as error:
            raise error.with_traceback(None)  # noqa: B904 (the same error, with its own cause)

    return cloud
