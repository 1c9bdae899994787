"""Bounded text of arguments for people to read: built-in values only, else type and size (DESIGN D3).

User classes are never asked for their repr: it may be slow, huge, or have effects.
"""

from collections.abc import Mapping
from typing import Any

LONGEST_VALUE = 80
LONGEST_JOB = 240
SHOWN_JOBS = 100
"""Of how many jobs of a map arguments are shown."""
_FEW = 6
_PLAIN = (int, float, complex, bool, type(None))


def shown_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None) -> str:
    """'7, [1, 2, 3], key=<Image>': the arguments of one job, at most 240 characters."""
    texts = [shown(value) for value in args]
    if kwargs:
        texts += [f"{name}={shown(value)}" for name, value in kwargs.items()]
    return _cut(", ".join(texts), LONGEST_JOB)


def shown(value: Any, depth: int = 2) -> str:
    """One value, at most 80 characters."""
    kind = type(value)
    if kind in _PLAIN:
        return _integer(value) if kind is int else repr(value)
    if kind is str or kind is bytes:
        return _cut(repr(value[: LONGEST_VALUE + 1]), LONGEST_VALUE)
    if kind in (list, tuple, set, frozenset) and depth:
        items = [shown(item, depth - 1) for _, item in zip(range(_FEW), value, strict=False)]
        return _cut(f"{kind.__name__}({', '.join(_more(items, len(value)))})" if kind in (set, frozenset)
                    else _bracketed(kind, _more(items, len(value))), LONGEST_VALUE)  # fmt: skip
    if kind is dict and depth:
        pairs = [f"{shown(k, 0)}: {shown(v, depth - 1)}" for _, (k, v) in zip(range(_FEW), value.items(), strict=False)]
        return _cut("{" + ", ".join(_more(pairs, len(value))) + "}", LONGEST_VALUE)
    if kind is range:
        return repr(value)
    return _cut(f"<{kind.__qualname__}{_size(value)}>", LONGEST_VALUE)


def _integer(value: int) -> str:
    return repr(value) if value.bit_length() < 200 else f"<int of {value.bit_length()} bits>"


def _bracketed(kind: type, items: list[str]) -> str:
    if kind is list:
        return f"[{', '.join(items)}]"
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _more(items: list[str], total: int) -> list[str]:
    return [*items, f"... {total} in all"] if total > len(items) else items


def _size(value: Any) -> str:
    if type(value).__module__ != "numpy" and not isinstance(value, (list, tuple, dict, set, frozenset)):
        return ""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f" {'x'.join(map(str, shape))} {getattr(value, 'dtype', '')}"
    try:
        return f" of {len(value)}"
    except Exception:  # a user's subclass may do anything
        return ""


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
