"""Errors in the words of the interface that is imitated: what the job raised, the timeout that programs catch."""

import multiprocessing
from collections.abc import Callable
from typing import Any

from cloud.api import Ended
from cloud.client.opening import value_of
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError
from cloud.pickling import CannotPickle


class PoolTimeoutError(CloudTimeoutError, multiprocessing.TimeoutError):
    """A wait ran out of time: a `CloudTimeoutError` that programs written for `multiprocessing` catch as well."""


def raised_by(error: CloudException, remote: type[Exception]) -> Exception:
    """The exception that the job raised, where it can be opened here; its `__cause__` tells the remote traceback.

    Args:
        error: of the job.
        remote: class of that cause, made from its text (`multiprocessing.pool.RemoteTraceback`, for one).

    A job that failed otherwise (killed, stalled, its worker died, its result cannot be opened) keeps its error; so does
    one that raised what is not an `Exception`, which would end the program that waits.
    """
    cause = error.__cause__
    if isinstance(error, JobError) and isinstance(cause, Exception):
        cause.__cause__ = remote(f"Job {error.jid}: {error.parameter}")
        return cause
    return error


def unpicklable(refusal: CannotPickle) -> BaseException:
    """What pickling raised; its `__cause__` says which argument it was."""
    original = refusal.__cause__
    if original is None:
        return refusal
    refusal.__cause__ = None
    original.__cause__ = refusal
    return original


def outcome(
    session: Session, ended: Ended, jid: int, in_words: Callable[[CloudException], Exception]
) -> tuple[Any, Exception | None]:
    """What the job returned, and None; or None, and its error in the words that `in_words` finds."""
    try:
        return value_of(session.api, ended, ended.outcomes.lo + jid - ended.jid), None
    except CloudException as error:
        return None, in_words(error)
