"""Functions that `functools` wrapped, of modules that the other side cannot import: made anew there around a copy.

A cache travels empty: what was computed here was not computed there. The standard pickler only names such functions,
and cloudpickle does not know them, so that those of `__main__`, of a notebook or of a function would not be found.
"""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from cloudpickle.cloudpickle import _is_registered_pickle_by_value, _lookup_module_and_qualname

Cached = functools._lru_cache_wrapper
_DISPATCH = functools.singledispatch(lambda _: None).__code__  # type: ignore[attr-defined]
"""The code that all single-dispatch functions share."""
_MADE_ANEW = frozenset({"__wrapped__", "cache_parameters"})


def reduce_cached(function: Any) -> Any:
    """Of `lru_cache` or `cache`; NotImplemented if it can be imported by name."""
    if _is_named(function):
        return NotImplemented
    told = {name: value for name, value in function.__dict__.items() if name not in _MADE_ANEW}
    settings = function.cache_parameters()
    return make_cached, (function.__wrapped__, settings["maxsize"], settings["typed"]), told


def is_dispatching(function: FunctionType) -> bool:
    """Whether it is of `functools.singledispatch`."""
    return function.__code__ is _DISPATCH


def reduce_dispatching(function: Any) -> Any:
    """Of `singledispatch`; NotImplemented if it can be imported by name."""
    if _is_named(function):
        return NotImplemented
    implementations = dict(function.registry)
    return make_dispatching, (implementations.pop(object),), implementations, None, None, add_implementations


def reduce_cached_property(obj: Any) -> Any:
    """Without the lock that Python 3.11 keeps in it; values are kept by instances, and travel with those."""
    told = {name: value for name, value in obj.__dict__.items() if name not in {"func", "lock"}}
    return type(obj), (obj.func,), told


def make_cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    """Called by pickles."""
    return functools.lru_cache(maxsize, typed)(function)


def make_dispatching(function: Callable[..., Any]) -> Any:
    """Called by pickles: around what is called for any object."""
    return functools.singledispatch(function)


def add_implementations(function: Any, implementations: dict[type, Callable[..., Any]]) -> None:
    """Called by pickles."""
    functools.update_wrapper(function, function.__wrapped__)  # which has got its name by now
    for kind, implementation in implementations.items():
        function.register(kind, implementation)


def _is_named(function: Any) -> bool:
    found = _lookup_module_and_qualname(function)
    return found is not None and not _is_registered_pickle_by_value(found[0])
