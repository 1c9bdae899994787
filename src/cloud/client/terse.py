"""Errors are raised without the frames of this package: what the reader needs is which of his lines asked, and the
message. A job's own traceback is in the message; what a server or a socket said is, too."""

# ruff: noqa: B904 (what is raised again is the same error, with its own cause; its line is printed to users, bare)

import functools
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from inspect import iscoroutinefunction
from types import FunctionType, TracebackType
from typing import Any, ParamSpec, TypeVar

from cloud.errors import CloudException

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_PYTHONS = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
TOLD = (CloudException, KeyboardInterrupt)
P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)
E = TypeVar("E", bound=BaseException)


def bare(error: E) -> E:
    """The same error, whose traceback has no frames of ours and of Python's own any more: what is left is the user's
    code that we called, a generator for one."""
    traceback = error.__traceback__
    kept: list[TracebackType] = []
    while traceback is not None:
        if _is_users(traceback.tb_frame.f_code.co_filename):
            kept.append(traceback)
        traceback = traceback.tb_next
    left: TracebackType | None = None
    for frame in reversed(kept):
        left = TracebackType(left, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(left)


def _is_users(file: str) -> bool:
    own = file.startswith((_OURS, "<frozen ")) or (file.startswith(_PYTHONS) and "-packages" not in file)
    return not own


def tersely(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which leaves a single frame of ours in the traceback of an error that it tells of. Others,
    which are mistakes of ours perhaps, keep all of theirs."""

    @functools.wraps(function)
    def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except TOLD as failure:
            raise bare(failure)

    return cloud


def tersely_awaited(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same for a coroutine function."""

    @functools.wraps(function)
    async def cloud(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except TOLD as failure:
            raise bare(failure)

    return cloud


def terse_iterator(items: Iterator[T]) -> Iterator[T]:
    """The same items; errors on the way are raised as by a function that is `tersely`."""
    try:
        yield from items
    except TOLD as failure:
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
