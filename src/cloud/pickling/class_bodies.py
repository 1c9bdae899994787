"""Globals that only the body of a class inside a function uses: it loads them by name, which cloudpickle overlooks."""

import dis
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from types import CodeType

_NOT_THE_USERS = frozenset({"__name__", "__module__", "__qualname__", "__builtins__"})


def note_class_bodies(code: CodeType) -> None:
    """Let cloudpickle know the globals of classes that this code, or code in it, makes."""
    if CodeType not in map(type, code.co_consts):
        return
    found = dict.fromkeys(_asked_for(code))
    if found:
        from cloudpickle.cloudpickle import _extract_code_globals

        _extract_code_globals(code).update(found)  # it remembers what it found, and looks only once


def _asked_for(code: CodeType) -> Iterator[str]:
    for inner in code.co_consts:
        if type(inner) is CodeType:
            if not inner.co_flags & CO_OPTIMIZED:
                for step in dis.get_instructions(inner):
                    if step.opname == "LOAD_NAME" and step.argval not in _NOT_THE_USERS:
                        yield step.argval
            yield from _asked_for(inner)
