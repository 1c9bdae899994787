"""Functions and arguments to bytes, with errors that name what cannot be pickled and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cloud import pickling
from cloud.client.naming import short_name
from cloud.client.shown import shown
from cloud.model import Buffer
from cloud.pickling import ArgumentPicklingError, CannotPickle


def pack_function(function: Callable[..., Any], where: str) -> tuple[str, bytes]:
    """Digest and pickle of the function of a job.

    Raises:
        CannotPickle: naming the function and why.
    """
    try:
        return pickling.dump_function(function)
    except Exception as error:
        raise _refused(f"{where}: the function {short_name(function)} cannot be pickled", error) from error


def pack_call(args: tuple[Any, ...], kwargs: Mapping[str, Any], level: int, where: str) -> list[Buffer]:
    """The chunk of one call.

    Raises:
        CannotPickle: naming the argument and why.
    """
    try:
        return pickling.pack_call(args, kwargs, level)
    except Exception as error:
        named = [(f"argument {position}", value) for position, value in enumerate(args, 1)]
        named += [(f"argument {name!r}", value) for name, value in kwargs.items()]
        raise _refused(f"{where}: {_culprit(named, level)} cannot be pickled", error) from error


def pack_map(jobs: Sequence[tuple[Any, ...]], first: int, level: int, where: str) -> list[Buffer]:
    """The chunk of consecutive jobs of a map, `first` being the index of the first.

    Raises:
        CannotPickle: naming the item (counted from 0, like the sequences themselves), the argument and why.
    """
    try:
        return pickling.pack_map(jobs, level)
    except ArgumentPicklingError as refusal:
        index, error = refusal.index, refusal.__cause__
        assert error is not None
        named = [(f"argument {position}", value) for position, value in enumerate(jobs[index], 1)]
        raise _refused(f"{where}: item {first + index}, {_culprit(named, level)} cannot be pickled", error) from error


def _culprit(named: Iterable[tuple[str, Any]], level: int) -> str:
    """Which of the arguments it is; each is tried alone, which costs time only when there is an error to explain."""
    for name, value in named:
        try:
            pickling.dumps(value, level)
        except Exception:
            return f"{name} ({shown(value)})"
    return "the arguments together"


def _refused(text: str, error: BaseException) -> CannotPickle:
    return CannotPickle(
        f"{text}: {type(error).__name__}: {error}",
        hint="pass what it is made from (a path, a connection's address, plain data) and open it inside the job",
    )
