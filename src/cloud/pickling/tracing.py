"""A pickler that remembers what it did: which object referenced which, and how many bytes each took (SPEC D.2, D.6).

Written in Python on the standard library's slow pickler, because the quick one shows nothing of its path. It is used
after a failure, for serialization logs, and to say what makes a pickle large; what it writes is counted and dropped.
"""

import pickle
import time
import types
from collections.abc import Iterator
from typing import Any

import cloudpickle

from cloud.pickling.aside import PROTOCOL
from cloud.pickling.limits import MAX_BYTES
from cloud.pickling.pickler import Enhancements, main_by_value
from cloud.pickling.recursion import recursion_limit

_NUMBERS = frozenset({int, float, complex, bool, type(None)})
_TEXTS = frozenset({str, bytes})
SHOWN_TEXT_MIN = 256
"""Shorter texts are as uninteresting as numbers (SPEC S71)."""
_TRACING_LIMIT = 20_000
"""Python frames need no C stack; where they do (reducers), the objects' own depth is far smaller."""


class Traced:
    """One object on its way through the pickler."""

    __slots__ = ("children", "memo_id", "obj", "on_path", "reduced", "repeated", "size_bytes")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.size_bytes = 0
        """What it took in the pickle, with all that it references for the first time."""
        self.memo_id: int | None = None
        self.repeated = False
        """Whether it was pickled before, and is only referred to here."""
        self.on_path = False
        """Whether the failure was in it."""
        self.reduced: tuple[Any, ...] | None = None
        """How it was taken apart: function, arguments, state, items, pairs; None for plain containers and names."""
        self.children: list[Traced] = []
        """What it references, in order; plain numbers and short texts are left out unless asked for."""

    def child(self, obj: Any) -> "Traced | None":
        """The child that is this very object."""
        for child in self.children:
            if child.obj is obj:
                return child
        return None

    def walk(self) -> Iterator["Traced"]:
        """This and everything below, in order."""
        waiting = [self]
        while waiting:
            traced = waiting.pop()
            yield traced
            waiting.extend(reversed(traced.children))


_Base: Any = pickle._Pickler


class GivenUp(Exception):
    """Tracing took too long."""


class TracingPickler(Enhancements, _Base):  # type: ignore[misc]
    """Pickles into nothing and keeps the tree of what it met.

    Args:
        primitives: whether numbers and short texts are kept too.
        path_only: keep only what a failure is in.
        max_bytes: larger open files are refused, as by the quick pickler.
        max_seconds: after which it gives up; None: never.
    """

    _dynamic_function_reduce = cloudpickle.Pickler._dynamic_function_reduce
    _function_reduce = cloudpickle.Pickler._function_reduce
    _function_getnewargs = cloudpickle.Pickler._function_getnewargs

    def __init__(
        self,
        *,
        primitives: bool = False,
        path_only: bool = False,
        max_bytes: int = MAX_BYTES,
        max_seconds: float | None = None,
    ) -> None:
        super().__init__(_Nowhere(), PROTOCOL, buffer_callback=self._aside)
        main_by_value()
        self.globals_ref: dict[int, dict[str, Any]] = {}
        self.proto = PROTOCOL
        self.max_bytes = max_bytes
        self.write = self._count
        self._write_large_bytes = self._count_large
        self._written = 0
        self._plain = frozenset() if primitives else _NUMBERS
        self._texts = frozenset() if primitives else _TEXTS
        self._path_only = path_only
        self._until = None if max_seconds is None else time.monotonic() + max_seconds
        self._steps = 0
        self._top = Traced(None)
        self._stack = [self._top]

    def trace(self, value: Any) -> tuple[Traced, BaseException | None]:
        """The tree under a value, and why it ended there if it could not be pickled."""
        self._written = 0
        error: BaseException | None = None
        with recursion_limit(_TRACING_LIMIT):
            try:
                self.dump(value)
            except Exception as failure:
                error = failure
        for traced in self._stack[1:]:
            traced.on_path = True
        return (self._top.children or [Traced(value)])[0], error

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        kind = type(obj)
        if kind in self._plain or (kind in self._texts and len(obj) < SHOWN_TEXT_MIN):
            super().save(obj, save_persistent_id)
            return
        self._steps += 1
        if self._until is not None and self._steps % 1024 == 0 and time.monotonic() > self._until:
            raise GivenUp
        traced = Traced(obj)
        known = self.memo.get(id(obj))
        if self._path_only and known is not None:
            super().save(obj, save_persistent_id)
            return
        siblings = self._stack[-1].children
        siblings.append(traced)
        if known is not None:
            traced.repeated, traced.memo_id = True, known[0]
            super().save(obj, save_persistent_id)
            return
        start = self._written
        self._stack.append(traced)
        super().save(obj, save_persistent_id)
        self._stack.pop()  # not in a `finally`: after a failure the stack is the path to the culprit
        if self._path_only:
            siblings.pop()
            return
        traced.size_bytes = self._written - start
        known = self.memo.get(id(obj))
        traced.memo_id = None if known is None else known[0]

    def save_reduce(self, func: Any, args: Any, *rest: Any, obj: Any = None, **named: Any) -> None:
        state = named.get("state", rest[0] if rest else None)
        if obj is not None and self._stack[-1].obj is obj:
            self._stack[-1].reduced = (func, args, state)
        super().save_reduce(func, args, *rest, obj=obj, **named)

    def _count(self, data: Any) -> int:
        self._written += len(data)
        return len(data)

    def _count_large(self, header: bytes, data: Any) -> None:
        self._written += len(header) + memoryview(data).nbytes

    def _aside(self, buffer: pickle.PickleBuffer) -> bool:
        try:
            self._written += buffer.raw().nbytes
        except BufferError:
            return True
        return False


class _Nowhere:
    def write(self, data: Any) -> int:
        return len(data)


def is_by_value(traced: Traced) -> bool:
    """Whether a function or class was taken apart, and not merely named."""
    if traced.reduced is None or not isinstance(traced.obj, (types.FunctionType, type)):
        return False
    maker = traced.reduced[0]
    return (
        getattr(maker, "__module__", "").startswith("cloudpickle") and getattr(maker, "__name__", "") != "_builtin_type"
    )
