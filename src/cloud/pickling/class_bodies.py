"""Globals that only the body of a class inside a function uses: it loads them by name, which cloudpickle overlooks."""

import dis
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from types import CodeType

from cloudpickle.cloudpickle import _extract_code_globals

_NOT_THE_USERS = frozenset({"__name__", "__module__", "__qualname__", "__builtins__"})
_LOOKED = ""
"""No global has this name: beside those that cloudpickle found, it says that this module has looked too."""


def note_class_bodies(code: CodeType) -> None:
    """Let cloudpickle know the globals of classes that this code, or code in it, makes."""
    if CodeType not in map(type, code.co_consts):
        return
    names = _extract_code_globals(code)  # cloudpickle remembers this very dict
    if _LOOKED not in names:
        names.update(dict.fromkeys(_asked_for(code)))
        names[_LOOKED] = None


def _asked_for(code: CodeType) -> Iterator[str]:
    for inner in code.co_consts:
        if type(inner) is CodeType:
            if not inner.co_flags & CO_OPTIMIZED:
                for step in dis.get_instructions(inner):
                    if step.opname == "LOAD_NAME" and step.argval not in _NOT_THE_USERS:
                        yield step.argval
            yield from _asked_for(inner)
