"""Functions and arguments to bytes, with errors that name what cannot be pickled, or is too large, and why."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cloud import pickling
from cloud.client.datalogs import Datalog, Serialization
from cloud.client.naming import short_name
from cloud.client.shown import shown
from cloud.model import Buffer
from cloud.pickling import ArgumentPicklingError, CannotPickle, ExcessiveData, TooLarge, size_of, too_large

log = logging.getLogger("Cloud.Transport")


class Packer:
    """Packs what one cloud sends.

    Args:
        told: limits, and whether failures are traced.
        datalog: where all that is packed at level 0 is written, for people to read; None: nowhere.
    """

    def __init__(self, told: Serialization, datalog: Datalog | None = None) -> None:
        self.told = told
        self.datalog = datalog

    def function(self, function: Callable[..., Any], where: str) -> tuple[str, bytes]:
        """Digest and pickle of the function of a job.

        Raises:
            CannotPickle: naming the function and why.
            ExcessiveData: it is too large.
        """
        most = self.told.max_bytes
        try:
            digest, packed = pickling.dump_function(function, most)
        except Exception as error:
            raise self._refused(f"{where}: the function {short_name(function)}", error, function) from error
        if len(packed) > most:
            raise self._too_large(function, len(packed), f"{where}: the function {short_name(function)}")
        return digest, packed

    def call(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], level: int, where: str, path: str = ""
    ) -> list[Buffer]:
        """The chunk of one call; `path` is where its logs begin.

        Raises:
            CannotPickle: naming the argument and why.
            ExcessiveData: the arguments are too large.
        """
        if self.datalog is not None and path and level == 0:
            self.datalog.write(f"{path}.args.xml", args)
            self.datalog.write(f"{path}.kwargs.xml", dict(kwargs))
        most = self.told.max_bytes
        try:
            return pickling.pack_call(args, kwargs, level, most)
        except TooLarge as together:
            for what, part in (("the arguments", args), ("the keyword arguments", dict(kwargs))):
                size = size_of(pickling.dumps(part, level)) if part else 0
                if size > most:
                    raise self._too_large(part, size, f"{where}: {what}") from None
            return pickling.pack_call(args, kwargs, level, together.size_bytes)
        except Exception as error:
            named = [(f"argument {position}", value) for position, value in enumerate(args, 1)]
            named += [(f"argument {name!r}", value) for name, value in kwargs.items()]
            raise self._argument_refused(where, named, level, error) from error

    def map(self, jobs: Sequence[tuple[Any, ...]], first: int, level: int, where: str, path: str = "") -> list[Buffer]:
        """The chunk of consecutive jobs of a map, `first` being the index of the first; `path` as for `call`.

        Raises:
            CannotPickle: naming the item (counted from 0, like the sequences themselves), the argument and why.
            ExcessiveData: naming the item that is too large.
        """
        if self.datalog is not None and path and level == 0:
            for number, job in enumerate(jobs, first + 1):
                self.datalog.write(f"{path}.jobarg_{number}.xml", job)
        try:
            return pickling.pack_map(jobs, level, self.told.max_bytes)
        except ArgumentPicklingError as refusal:
            index, error = refusal.index, refusal.__cause__
            assert error is not None
            named = [(f"argument {position}", value) for position, value in enumerate(jobs[index], 1)]
            raise self._argument_refused(f"{where}: item {first + index}", named, level, error) from error
        except TooLarge as refusal:
            what = f"{where}: item {first + refusal.index}"
            raise self._too_large(jobs[refusal.index], refusal.size_bytes, what) from None

    def _argument_refused(
        self, where: str, named: Iterable[tuple[str, Any]], level: int, error: BaseException
    ) -> CannotPickle:
        for name, value in named:  # each is tried alone, which costs time only when there is an error to explain
            try:
                pickling.dumps(value, level, self.told.max_bytes)
            except Exception:
                return self._refused(f"{where}{_joint(where)}{name} ({shown(value)})", error, value, level)
        everything = tuple(value for _, value in named)
        return self._refused(f"{where}{_joint(where)}the arguments together", error, everything, level)

    def _refused(self, what: str, error: BaseException, value: Any, level: int = 0) -> CannotPickle:
        text = f"{what} cannot be pickled: {type(error).__name__}: {error}"
        if self.told.debugging and level == 0:
            from cloud.pickling.trace import pickle_trace

            text = f"{text}\n{pickle_trace(value, self.told.max_bytes)}".rstrip()
        log.error("%s", text)
        hint = "pass what it is made from (a path, a connection's address, plain data) and open it inside the job"
        if "; pass " in str(error):
            hint = ""  # the pickler's own refusals, of a generator for one, say what to pass instead
        elif pickling.level_that_takes(value, level) is not None:
            hint = "leave _fast_serialization out, or give 1: then it can be pickled"
        return CannotPickle(text, hint=hint)

    def _too_large(self, value: Any, size_bytes: int, what: str) -> ExcessiveData:
        if self.datalog is not None:
            more = f"; the full log is in {self.datalog.folder}"
        else:
            more = "; cloud.config.serialize_logging = True writes a full log of what is sent"
        return too_large(value, size_bytes, self.told.max_bytes, what, hint=more)


def _joint(where: str) -> str:
    return ", " if ": item " in where else ": "
