"""What a function is called, for people: in messages, in handles and on the jobs page."""

import functools
from collections.abc import Callable
from typing import Any


def short_name(function: Callable[..., Any]) -> str:
    """'square', '<lambda>', 'partial_of_square', 'Model.fit'; the class's name for callable instances."""
    if isinstance(function, functools.partial):
        return f"partial_of_{short_name(function.func)}"
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]


def full_name(function: Callable[..., Any]) -> str:
    """'module.Class.method at file:line' where there is a file; 'module.Class' for classes (SPEC B.2)."""
    inner: Any = function
    prefix = ""
    while isinstance(inner, functools.partial):
        inner, prefix = inner.func, prefix + "partial_of_"
    module = getattr(inner, "__module__", None) or type(inner).__module__
    name = f"{prefix}{module}.{short_name(inner)}"
    code = getattr(getattr(inner, "__func__", inner), "__code__", None)
    if code is None:
        return name
    return f"{name} at {code.co_filename}:{code.co_firstlineno}"


def printable(text: str, longest: int = 100) -> str:
    """The text on one line, bounded, without anything that a terminal would obey: names are whatever users say."""
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
