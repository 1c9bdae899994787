"""Errors are raised without the frames of this package: what the reader needs is which of his lines asked, and the
message. A job's own traceback is in the message; what a server or a socket said is, too."""

# ruff: noqa: B904 (what is raised again is the same error, with its own cause; its line is printed to users, bare)

import dis
import functools
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from inspect import iscoroutinefunction
from types import FunctionType, TracebackType
from typing import Any, ParamSpec, TypeVar

from cloud.errors import CloudException

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_PYTHONS = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_CLOUDPICKLE = f"{os.sep}cloudpickle{os.sep}"
_RAISE = dis.opmap["RAISE_VARARGS"]
_TOLD = (CloudException, KeyboardInterrupt, OSError)
P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)
E = TypeVar("E", bound=BaseException)


def bare(error: E) -> E:
    """The same error, whose traceback has no frames of ours and of Python's own any more, nor has its cause's: what is
    left is the user's code that we called, a generator for one. An error that nobody raised on purpose, which is a
    mistake of ours perhaps, keeps all of its frames."""
    if not _is_meant(error):
        return error
    if error.__cause__ is not None:
        error.__cause__.__traceback__ = _users_frames(error.__cause__.__traceback__)
    return error.with_traceback(_users_frames(error.__traceback__))


def _is_meant(error: BaseException) -> bool:
    """Whether it tells the user something: it was raised by a `raise` of ours, or in the user's own code, ..."""
    if isinstance(error, _TOLD) or type(error).__name__ == "CancelledError":  # asyncio is not loaded for that
        return True
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    if innermost is None:
        return False
    code = innermost.tb_frame.f_code
    if code.co_filename.startswith(_OURS):
        return code.co_code[innermost.tb_lasti] == _RAISE
    return _is_users(code.co_filename)


def _users_frames(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while traceback is not None:
        if _is_users(traceback.tb_frame.f_code.co_filename):
            kept.append(traceback)
        traceback = traceback.tb_next
    left: TracebackType | None = None
    for frame in reversed(kept):
        left = TracebackType(left, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return left


def _is_users(file: str) -> bool:
    if file.startswith((_OURS, "<frozen ")) or _CLOUDPICKLE in file:
        return False
    return not file.startswith(_PYTHONS) or "-packages" in file


def tersely(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which leaves a single frame of ours in the traceback of an error that it tells of. Others,
    which are mistakes of ours perhaps, keep all of theirs."""

    @functools.wraps(function)
    def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BaseException as failure:
            raise bare(failure)

    return cloud


def tersely_awaited(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same for a coroutine function."""

    @functools.wraps(function)
    async def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except BaseException as failure:
            raise bare(failure)

    return cloud


def terse_iterator(items: Iterator[T]) -> Iterator[T]:
    """The same items; errors on the way are raised as by a function that is `tersely`."""
    try:
        yield from items
    except BaseException as failure:
        raise bare(failure)


def terse(kind: C) -> C:
    """The class, whose public methods and properties raise tersely."""
    for name, member in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, FunctionType):
            setattr(kind, name, tersely_awaited(member) if iscoroutinefunction(member) else tersely(member))
        elif isinstance(member, property) and member.fget is not None:
            setattr(kind, name, property(tersely(member.fget), doc=member.__doc__))
    return kind
