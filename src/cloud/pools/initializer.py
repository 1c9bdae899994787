"""A pool's initializer: it runs in each worker process before that process's first job of the pool."""

import functools
import sys
import uuid
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from cloud.pickling import dump_function

_ready: dict[str, dict[str, Any]] = {}
"""In a worker process: pools whose initializer has run here, with what it left in the globals that came with it."""
_POOLS_MOST = 100
"""Of more, the oldest is forgotten: what its initializer left may be large."""


class InitializerFailed(Exception):
    """The initializer of a pool raised; `__cause__` is what."""


class Prepared:
    """A function, with the initializer that must have run first.

    Args:
        function: of the jobs.
        token: of the pool.
        packed: the pickled initializer.
    """

    def __init__(self, function: Callable[..., Any], token: str, packed: bytes) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.token = token
        self.packed = packed
        self.has_globals = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, in a worker."""
        if self.token not in _ready:
            self._prepare()
        if not self.has_globals:
            self.has_globals = True
            (_travelled_globals(self.function) or {}).update(_ready[self.token])
        return self.function(*args, **kwargs)

    def _prepare(self) -> None:
        from cloud.pickling import load_function

        try:
            initializer = load_function(self.packed)
            initializer()
        except Exception as error:
            raise InitializerFailed(f"the initializer of the pool failed: {type(error).__name__}: {error}") from error
        left = _travelled_globals(initializer) or {}
        while len(_ready) >= _POOLS_MOST:
            del _ready[next(iter(_ready))]
        _ready[self.token] = {n: v for n, v in left.items() if not n.startswith("__") and not isinstance(v, _CODE)}


_CODE = FunctionType, type, ModuleType


def _travelled_globals(function: Any) -> dict[str, Any] | None:
    """Globals of a function of the main module: each pickle has its own, so what an initializer sets in them would
    be seen by nobody. None: the function is in a module, which all share."""
    while not isinstance(function, FunctionType):
        function = getattr(function, "func", None) or getattr(function, "function", None)
        if function is None:
            return None
    module = sys.modules.get(function.__module__)
    is_main = function.__module__ == "__main__" and getattr(module, "__dict__", None) is not function.__globals__
    return function.__globals__ if is_main else None


class Initializer:
    """What makes functions `Prepared`; pickled once.

    Raises:
        TypeError: it cannot be called.
        Exception: whatever pickling it raises.
    """

    def __init__(self, initializer: Callable[..., Any], initargs: tuple[Any, ...]) -> None:
        if not callable(initializer):
            raise TypeError("initializer must be a callable")
        _, self._packed = dump_function(functools.partial(initializer, *initargs))
        self._token = uuid.uuid4().hex  # two pools with one initializer are two

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, prepared."""
        return Prepared(function, self._token, self._packed)


def prepared_by(initializer: Callable[..., Any] | None, initargs: Any) -> Callable[..., Any]:
    """What to make of each function of a pool: itself, without an initializer. Errors as for `Initializer`."""
    if initializer is None:
        return _itself
    return Initializer(initializer, tuple(initargs)).before


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


class Starred:
    """A function that takes its arguments as one tuple."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function

    def __call__(self, args: Any) -> Any:
        """Call the function, in a worker."""
        return self.function(*args)
