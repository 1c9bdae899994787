"""Plain functions: those that are nothing but their code, so that nobody can tell copies of one from each other."""

import builtins
from types import CodeType, FunctionType
from typing import Any

from cloud.pickling.class_bodies import note_class_bodies

_REMEMBERED = 256
_BUILTINS = builtins.__dict__
_REACHING = frozenset({"globals", "exec", "eval"})
"""With these, code keeps something in its globals without naming it."""


class PlainFunctions:
    """Something remembered for each plain function of the main module, as long as it is what it was.

    Plain is a function without closure, defaults, attributes and globals of its own: whatever its pickle holds is in
    its code, its names and its annotations. Only of `__main__`, whose functions always travel by value.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[CodeType, frozenset[str], tuple[Any, ...], Any]] = {}

    def get(self, function: Any) -> Any:
        """What was remembered, or None."""
        if type(function) is not FunctionType:
            return None
        known = self._known.get(id(function.__code__))
        if known is None or not _is_bare(function) or known[2] != _named(function):
            return None
        return known[3] if known[1].isdisjoint(function.__globals__) else None

    def put(self, function: Any, value: Any) -> None:
        """Remember something of a function, if it is plain."""
        if not is_plain(function):
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        code = function.__code__
        self._known[id(code)] = code, _global_names(code), _named(function), value


def is_plain(function: Any) -> bool:
    """Whether it is; see `PlainFunctions`."""
    if type(function) is not FunctionType or not _is_bare(function):
        return False
    names = _global_names(function.__code__)
    if not (names.isdisjoint(function.__globals__) and names <= _BUILTINS.keys() - _REACHING):
        return False
    annotations = function.__annotations__.values()
    return all(note is None or type(note) is str or _BUILTINS.get(_name(note)) is note for note in annotations)


def _is_bare(function: FunctionType) -> bool:
    return (
        function.__module__ in ("__main__", "__mp_main__")
        and function.__closure__ is None
        and function.__defaults__ is None
        and function.__kwdefaults__ is None
        and not function.__dict__
        and not getattr(function, "__type_params__", ())
    )


def _named(function: FunctionType) -> tuple[Any, ...]:
    return function.__name__, function.__qualname__, function.__doc__, dict(function.__annotations__)


def _name(note: Any) -> str:
    return note.__name__ if type(note) is type else ""


def _global_names(code: CodeType) -> frozenset[str]:
    """Names of globals that this code, or code in it, reads, writes or deletes."""
    from cloudpickle.cloudpickle import _extract_code_globals

    note_class_bodies(code)
    return frozenset(_extract_code_globals(code))
