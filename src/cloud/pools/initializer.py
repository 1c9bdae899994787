"""A pool's initializer: it runs in each worker process before that process's first job of the pool."""

import functools
from collections.abc import Callable
from typing import Any

from cloud.pickling import dump_function

_ready: set[str] = set()
"""In a worker process: pools whose initializer has run here."""


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, in a worker."""
        if self.token not in _ready:
            self._prepare()
        return self.function(*args, **kwargs)

    def _prepare(self) -> None:
        from cloud.pickling import load_function

        try:
            load_function(self.packed)()
        except Exception as error:
            raise InitializerFailed(f"the initializer of the pool failed: {type(error).__name__}: {error}") from error
        _ready.add(self.token)


class Initializer:
    """What makes functions `Prepared`; pickled once.

    Raises:
        TypeError: it cannot be called.
        Exception: whatever pickling it raises.
    """

    def __init__(self, initializer: Callable[..., Any], initargs: tuple[Any, ...]) -> None:
        if not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._token, self._packed = dump_function(functools.partial(initializer, *initargs))

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
