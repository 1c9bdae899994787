"""A tree of traced objects as elements: the attributes that each kind of object has (SPEC D.7, S69, S70)."""

import functools
import io
import itertools
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloud.pickling.roles import roles
from cloud.pickling.tracing import SHOWN_TEXT_MIN, Traced, is_by_value
from cloud.pickling.xml import Element

_NUMBERS = (int, float, complex, bool, type(None))
_TEXT_MOST = 1024
_DEEPEST = 200
"""Levels of nesting that are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a tree."""

    min_bytes: int = 0
    """Smaller objects are left out."""
    primitives: bool = False
    """Whether numbers and short texts are shown."""
    types_composition: bool = False
    """Whether what transmitted classes are made of is shown."""
    only_path: bool = False
    """Only the way to the object that could not be pickled."""


class Describer:
    """Makes elements of one tree.

    Args:
        shown: what to leave out.
        reason: why the object at the end of the failed path could not be pickled.
    """

    def __init__(self, shown: Shown, reason: str = "") -> None:
        self._shown = shown
        self._reason = reason
        self._unnumbered = itertools.count(1)

    def root(self, traced: Traced) -> Element:
        """The `PickledObject` element of the tree under this."""
        self._unnumbered = itertools.count(1 + max((t.memo_id or 0 for t in traced.walk()), default=0))
        return self.element("PickledObject", traced)

    def element(self, name: str, traced: Traced, lead: Iterable[tuple[str, str]] = (), depth: int = 0) -> Element:
        """The element of an object and those of what it references."""
        children = [] if traced.repeated or depth > _DEEPEST else self._children(traced, depth)
        culprit = bool(self._reason) and traced.on_path and not any(child.on_path for child in traced.children)
        attributes = [("failed_to_pickle", "True")] if culprit else []
        attributes += [*lead, ("type", _type_name(traced.obj))]
        memo_id = str(traced.memo_id if traced.memo_id is not None else next(self._unnumbered))
        if traced.repeated:
            attributes += [("is_memoized", "True"), ("memo_id", memo_id)]
        else:
            if not traced.on_path:
                attributes += [("size", str(traced.size_bytes)), ("memo_id", memo_id)]
            attributes += _details(traced)
        if culprit:
            attributes.append(("reason", self._reason))
        return Element(name, attributes, children)

    def _children(self, traced: Traced, depth: int) -> list[Element]:
        if isinstance(traced.obj, type) and not (self._shown.types_composition or traced.on_path):
            return []
        return [
            self.element(role.name, role.traced, role.attributes, depth + 1)
            for role in roles(traced)
            if self._is_shown(role.traced)
        ]

    def _is_shown(self, traced: Traced) -> bool:
        if self._shown.only_path:
            return traced.on_path
        if traced.size_bytes < self._shown.min_bytes and not traced.on_path:
            return False
        obj = traced.obj
        if not self._shown.primitives:
            return not (isinstance(obj, _NUMBERS) or (type(obj) in (str, bytes) and len(obj) < SHOWN_TEXT_MIN))
        return True


def _type_name(obj: Any) -> str:
    kind = type(obj)
    if isinstance(obj, type):
        return "typeDescriptor" if kind is type and obj.__module__ == "builtins" else "classDescriptorNew"
    if _is_closure(obj):
        return "list"
    return full_name(kind)


def full_name(kind: type) -> str:
    """'list', 'package.module.Class'."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _details(traced: Traced) -> list[tuple[str, str]]:
    obj = traced.obj
    if isinstance(obj, types.FunctionType):
        return _of_function(obj, is_by_value(traced))
    if isinstance(obj, type):
        described = ("typeDescribed" if _type_name(obj) == "typeDescriptor" else "classDescribed", full_name(obj))
        return [described, *([("transmittedDescriptor", "True")] if is_by_value(traced) else [])]
    if isinstance(obj, types.ModuleType):
        return [("module", obj.__name__)]
    if isinstance(obj, types.BuiltinFunctionType):
        return [("funcName", obj.__name__), ("module", str(obj.__module__))]
    if isinstance(obj, functools.partial):
        return []
    if isinstance(obj, dict):
        return [("numElements", str(dict.__len__(obj))), *_kinds("keyType", dict.keys(obj)),
                *_kinds("valueType", dict.values(obj))]  # fmt: skip
    if isinstance(obj, (list, tuple, set, frozenset)):
        return [("numElements", str(len(obj))), *_kinds("containedType", _unwrapped(obj))]
    if isinstance(obj, (str, bytes)):
        return [("contents", _cut(obj))]
    if isinstance(obj, complex):
        return [("contents", f"{obj.real}+{obj.imag}j")]
    if isinstance(obj, (int, float)):
        return [("contents", repr(obj) if abs(obj) < 1e300 else "large")]
    if isinstance(obj, io.IOBase) and not isinstance(obj, (io.BytesIO, io.StringIO)):
        return [("filename", str(getattr(obj, "name", "")))]
    return []


def _of_function(function: types.FunctionType, by_value: bool) -> list[tuple[str, str]]:
    code = function.__code__
    name = ("isLambda", "True") if function.__name__ == "<lambda>" else ("funcName", function.__name__)
    details = [name, ("module", str(function.__module__)), ("fileName", code.co_filename)]
    details.append(("firstLineNumber", str(code.co_firstlineno)))
    if code.co_freevars:
        details.append(("closureVariables", f"[{','.join(code.co_freevars)}]"))
    if by_value:
        details.append(("TransmittedFunctionCode", "True"))
    return details


def _kinds(name: str, items: Iterable[Any]) -> list[tuple[str, str]]:
    """One word for the types of some things; nothing where there are none."""
    kinds = set(map(type, items))
    if not kinds:
        return []
    return [(name, full_name(kinds.pop()) if len(kinds) == 1 else "Mixed")]


def _is_closure(obj: Any) -> bool:
    return type(obj) is tuple and bool(obj) and all(isinstance(item, types.CellType) for item in obj)


def _unwrapped(items: Any) -> Iterable[Any]:
    if not _is_closure(items):
        return items if isinstance(items, (list, tuple)) else iter(items)
    contents = []
    for cell in items:
        try:
            contents.append(cell.cell_contents)
        except ValueError:
            continue
    return contents


def _cut(text: str | bytes) -> str:
    shown = text if isinstance(text, str) else text[:_TEXT_MOST].decode("latin-1")
    return shown if len(text) < _TEXT_MOST else f"{shown[: _TEXT_MOST - 3]}..."
