"""What else is kept of a job that is worth it: a look at its result, its profile, its use of the machine. JSON."""

import cProfile
import json
import resource
import sys
from collections.abc import Callable
from typing import Any

from cloud.runner.linux import forget_peak
from cloud.wire.coroutine import Coroutine, value_of
from cloud.wire.profile import table

REPR_MAX = 200
SHOWN_BY_CLIENT = 100
"""As in `Spec.shown_arguments`."""
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_MANY = (list, tuple, set, frozenset, dict)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring_ascii


class Usage:
    """CPU time, and the largest memory, since the last look. Both are the process's own, without its children."""

    def __init__(self) -> None:
        self.user = self.system = 0.0
        self.start()

    def start(self) -> None:
        """Look."""
        now = resource.getrusage(resource.RUSAGE_SELF)
        self.user, self.system = now.ru_utime, now.ru_stime
        forget_peak()

    def since(self) -> dict[str, Any]:
        """What was used since the last look, and look."""
        user, system = self.user, self.system
        now = resource.getrusage(resource.RUSAGE_SELF)
        self.start()
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "cputime": {"user": round(now.ru_utime - user, 6), "system": round(now.ru_stime - system, 6)},
            "memory": {"max_usage": now.ru_maxrss * unit},
        }


def look(value: Any) -> str:
    """A bounded repr of built-in types only (nobody's `__repr__` is called), else type and size."""
    text = _look(value, 0, [REPR_MAX // 2])
    return text if len(text) <= REPR_MAX else text[: REPR_MAX - 3] + "..."


def arguments(args: tuple[Any, ...], index: int) -> dict[str, Any]:
    """A look at those of a job of a map; {} for the first jobs, whose client sent one along."""
    if not args or index < SHOWN_BY_CLIENT:
        return {}
    return {"arguments": ", ".join(map(look, args))[: REPR_MAX + 40]}


def profiled(function: Callable[..., Any], extra: dict[str, Any]) -> Callable[..., Any]:
    """A function that puts its profile into `extra` when it ends, in whatever way."""

    def run(*args: Any, **kwargs: Any) -> Any:
        profile = cProfile.Profile()
        try:
            value = profile.runcall(function, *args, **kwargs)
            return profile.runcall(value_of, value) if type(value) is Coroutine else value
        finally:
            extra["profile"] = table(profile)

    return run


def to_json(extra: dict[str, Any]) -> bytes:
    """Nothing for an empty dict."""
    if len(extra) == 1 and (text := extra.get("result_repr")) is not None:  # as of most jobs
        return b'{"result_repr":%b}' % _quoted(text).encode()
    return _encode(extra).encode() if extra else b""


def _look(value: Any, depth: int, budget: list[int]) -> str:
    kind = type(value)
    if kind is int and value.bit_length() > 1024:
        return f"<int of {value.bit_length()} bits>"
    if kind in (str, bytes) and len(value) > 80:
        return f"{value[:60]!r}... ({len(value)} {'characters' if kind is str else 'bytes'})"
    if kind in _PLAIN:
        return repr(value)
    if kind in _MANY and depth < 3:
        return _look_many(value, kind, depth, budget)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    shape = value.shape if kind.__module__ == "numpy" and kind.__qualname__ == "ndarray" else None
    if shape is not None:
        return f"<{name} {shape} {value.dtype}>"
    return f"<{name} of length {len(value)}>" if kind in _MANY else f"<{name}>"


def _look_many(value: Any, kind: type, depth: int, budget: list[int]) -> str:
    shown: list[str] = []
    items = value.items() if kind is dict else value
    for item in items:
        budget[0] -= 1
        if budget[0] < 0 or len(shown) == 10:
            shown.append(f"... ({len(value)} items)")
            break
        if kind is dict:
            shown.append(f"{_look(item[0], depth + 1, budget)}: {_look(item[1], depth + 1, budget)}")
        else:
            shown.append(_look(item, depth + 1, budget))
    inner = ", ".join(shown)
    if kind is tuple and len(value) == 1:
        inner += ","
    left, right = "[]" if kind is list else "()" if kind is tuple else "{}"
    if kind in (set, frozenset) and not value:
        return f"{kind.__name__}()"
    return f"frozenset({left}{inner}{right})" if kind is frozenset else f"{left}{inner}{right}"
