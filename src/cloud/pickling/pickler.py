"""The enhanced pickler: cloudpickle, and what PiCloud's pickler did beyond it (SPEC D.1).

Beyond cloudpickle: open files of every kind travel as copies, `__transient__` names attributes that stay behind,
functions of modules keep attributes that were set after the import, what `functools` wrapped is made anew, what cannot
travel is refused with advice, and what is nested too deeply for the usual recursion limit gets a second chance.

`Enhancements` holds the rules apart from the machine that writes bytes, because there are two: the quick one here, and
the slow one in `tracing`, which finds out where a failure was and how large each member is.
"""

import copyreg
import functools
import io
import pickle
import sys
import tempfile
import types
from _io import _IOBase
from collections import ChainMap
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import cloudpickle

from cloud.pickling.aside import PROTOCOL, Aside
from cloud.pickling.class_bodies import note_class_bodies
from cloud.pickling.files import reduce_file, reduce_temporary_file
from cloud.pickling.functools_wrappers import (
    Cached,
    is_dispatching,
    reduce_cached,
    reduce_cached_property,
    reduce_dispatching,
)
from cloud.pickling.limits import MAX_BYTES
from cloud.pickling.recursion import DEEPER_LIMIT, recursion_limit
from cloud.pickling.refused import REFUSED
from cloud.pickling.slots import with_slots

TOO_DEEP = (
    "it is nested too deeply (or its own pickling methods call one another for ever): make it flatter, for example a "
    "list instead of linked objects, or raise sys.setrecursionlimit()"
)

_reduce_class = cloudpickle.Pickler.reducer_override


class Enhancements:
    """How objects are taken apart, for a pickler class to inherit from."""

    dispatch_table: ClassVar[ChainMap[Any, Any]] = ChainMap(
        {
            **REFUSED,
            tempfile._TemporaryFileWrapper: reduce_temporary_file,
            functools.cached_property: reduce_cached_property,
        },
        cloudpickle.Pickler._dispatch_table,
        copyreg.dispatch_table,
    )
    max_bytes = MAX_BYTES
    """Larger files are refused."""
    trying = False
    """Whether this only finds out if an attribute of a function can travel."""
    _function_reduce: Callable[[types.FunctionType], Any]

    def reducer_override(self, obj: Any) -> Any:
        """Asked by pickle for each object that is no plain data; NotImplemented means: the usual way."""
        kind = type(obj)
        if kind is types.FunctionType:
            code = obj.__code__
            if is_dispatching(obj) and (reduced := reduce_dispatching(obj)) is not NotImplemented:
                return reduced
            if types.CodeType in map(type, code.co_consts):
                note_class_bodies(code)
            reduced = self._function_reduce(obj)
            if reduced is NotImplemented and obj.__dict__:
                return self._with_attributes(obj)
            return reduced
        if issubclass(kind, (type, _IOBase)):
            if issubclass(kind, type):
                return with_slots(obj, _reduce_class(self, obj))
            return reduce_file(obj, self.max_bytes)
        if kind is Cached:
            return reduce_cached(obj)
        if hasattr(kind, "__transient__"):
            return _without_transient(obj, kind)
        return NotImplemented

    def _with_attributes(self, function: types.FunctionType) -> Any:
        """A function by its name, and those of its attributes that can travel."""
        module, name = function.__module__, function.__qualname__
        if module.partition(".")[0] in sys.stdlib_module_names:
            return NotImplemented
        attributes = {
            key: value
            for key, value in function.__dict__.items()
            if not key.startswith("__") and (self.trying or travels(value))
        }
        if not attributes:
            return NotImplemented
        return named_function, (module, name), attributes, None, None, add_attributes


class Pickler(Enhancements, cloudpickle.Pickler):  # type: ignore[misc]
    """The quick one."""

    def __init__(
        self,
        file: Any,
        buffer_callback: Callable[[pickle.PickleBuffer], Any] | None = None,
        max_bytes: int = MAX_BYTES,
        protocol: int = PROTOCOL,
    ) -> None:
        super().__init__(file, protocol, buffer_callback)
        main_by_value()
        if max_bytes != MAX_BYTES:
            self.max_bytes = max_bytes


def main_by_value() -> None:
    """In a process that multiprocessing spawned the main module has another name, which no worker can import either."""
    spawned = sys.modules.get("__mp_main__")  # elsewhere, once multiprocessing is imported, another word for __main__
    if spawned is not None and spawned.__name__ == "__mp_main__":
        cloudpickle.register_pickle_by_value(spawned)


def pickled(value: Any, aside: Aside | None = None, max_bytes: int = MAX_BYTES) -> bytes:
    """A value as one pickle; its large buffers stay out of it, in `aside`, where that is given.

    Raises:
        Exception: whatever pickling raises; `pickle.PicklingError` for what is nested too deeply.
    """
    with io.BytesIO() as file:
        try:
            Pickler(file, aside, max_bytes).dump(value)
        except pickle.PicklingError as error:
            if not isinstance(error.__cause__, RecursionError):
                raise
        else:
            return file.getvalue()
    if aside is not None:
        aside.buffers.clear()
    with io.BytesIO() as file, recursion_limit(DEEPER_LIMIT):  # opening a pickle needs no depth
        try:
            Pickler(file, aside, max_bytes).dump(value)
        except pickle.PicklingError as error:
            if isinstance(error.__cause__, RecursionError):
                raise pickle.PicklingError(TOO_DEEP) from None
            raise
        return file.getvalue()


class _Nowhere:
    def write(self, data: Any) -> int:
        return len(data)


def travels(value: Any) -> bool:
    """Whether it can be pickled."""
    pickler = Pickler(_Nowhere())
    pickler.trying = True
    try:
        pickler.dump(value)
    except Exception:  # a lock, a connection: the import on the other side makes its own
        return False
    return True


def named_function(module: str, name: str) -> Any:
    """Called by pickles: what is found under this name after importing the module."""
    __import__(module)
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def add_attributes(function: types.FunctionType, attributes: dict[str, Any]) -> None:
    """Called by pickles: give a function of a module the attributes that it had where it came from.

    What the import gave it and can be called (the `register` of a single-dispatch function) is bound to that import
    and stays.
    """
    there = function.__dict__
    for name, value in attributes.items():
        if name not in there or not callable(there[name]):
            there[name] = value


def _without_transient(obj: Any, kind: type) -> Any:
    """How an object is reduced without the attributes that its classes call transient."""
    reduce = copyreg.dispatch_table.get(kind)
    reduced: Any = reduce(obj) if reduce is not None else obj.__reduce_ex__(PROTOCOL)
    if isinstance(reduced, str) or len(reduced) < 3:
        return reduced
    names = _transient_names(kind)
    state = reduced[2]
    if isinstance(state, tuple):  # (attributes, slots)
        state = tuple(_rest(part, names) for part in state)
    return (*reduced[:2], _rest(state, names), *reduced[3:])


def _transient_names(kind: type) -> set[str]:
    names: set[str] = set()
    for base in kind.__mro__:
        told: str | Iterable[str] = base.__dict__.get("__transient__", ())
        names.update([told] if isinstance(told, str) else told)
    return names


def _rest(state: Any, names: set[str]) -> Any:
    if not isinstance(state, dict):
        return state
    return {name: value for name, value in state.items() if name not in names}
