"""What a job raised, on its way to whoever asks: as pickle takes it, and where that fails, made anew.

Exceptions pickle themselves as their class, called with `args`. A class whose `__init__` takes other arguments than it
hands on can be pickled so, and not opened, or opens as something else. Such a one is made without `__init__`, from its
`args` and its attributes, less those that cannot travel.
"""

from typing import Any

from cloud.pickling.envelope import dumps, loads


def pack_exception(error: BaseException, max_bytes: int) -> bytes:
    """Its envelope; b'' if it cannot travel, or is larger than that."""
    for value in (error, _Anew(error)):
        try:
            packed = b"".join(dumps(value))
            if len(packed) <= max_bytes and _is_like(loads(packed), error):
                return packed
        except Exception:  # whatever its class does when it is pickled, opened or made into text
            continue
    return b""


class _Anew:
    """Pickles as the exception does not."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> Any:
        from cloud.pickling.pickler import travels

        told = {name: value for name, value in self._error.__dict__.items() if travels(value)}
        return make_exception, (type(self._error), self._error.args, told)


def make_exception(kind: type[BaseException], args: tuple[Any, ...], told: dict[str, Any]) -> BaseException:
    """Called by pickles."""
    error = kind.__new__(kind, *args)
    builtin = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    builtin.__init__(error, *args)  # type: ignore[misc]  # which sets `errno` and the like
    error.__dict__.update(told)
    return error


def _is_like(copy: Any, error: BaseException) -> bool:
    return type(copy) is type(error) and _text(copy) == _text(error)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the class's own mistake
        return ""
