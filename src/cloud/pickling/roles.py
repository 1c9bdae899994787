"""What each object is to the one that references it: the elements `Attribute`, `Element`, `Value`, `Dependency`.

A pickler sees tuples of code, dictionaries and constructors; a reader wants to see the globals and the closure of a
function, the attributes of an instance, the items of a list. This module finds the latter among the former.
"""

import functools
import io
import itertools
import operator
import types
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cloud.pickling.tracing import Traced, is_by_value

_LONG_KEY = 128


class Role(NamedTuple):
    """A child with the name of its element and the attributes that come first in it."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    traced: Traced


def roles(traced: Traced) -> list[Role]:
    """The children of an object that say something, in order; numbers and short texts are not among the traced."""
    if traced.repeated:
        return []
    obj = traced.obj
    if traced.reduced is None:
        if isinstance(obj, dict):
            return list(_values(obj, traced.children))
        if isinstance(obj, (list, tuple, set, frozenset)):
            return list(_elements(obj, traced.children))
        return [Role("Dependency", (), child) for child in traced.children]
    found = list(_parts(traced))
    if not traced.on_path or any(role.traced.on_path for role in found):
        return found
    for child in traced.children:  # the failure is in something that is not shown otherwise
        if child.on_path:
            inner = roles(child) if isinstance(child.obj, tuple) else []
            found += inner or [Role("Dependency", (), child)]
    return found


def _parts(traced: Traced) -> Iterator[Role]:
    obj = traced.obj
    if isinstance(obj, types.FunctionType):
        return _of_function(traced)
    if isinstance(obj, types.MethodType):
        return _named(traced, {"function": obj.__func__, "self": obj.__self__})
    if isinstance(obj, functools.partial):
        return _named(traced, {"function": obj.func, "args": obj.args, "kwargs": obj.keywords})
    if isinstance(obj, io.IOBase):
        return iter(())
    return _of_instance(traced)


def _of_function(traced: Traced) -> Iterator[Role]:
    """`globals`, `defaults`, `closure`, `function_attributes` of one that travels by value; else its attributes."""
    assert traced.reduced is not None
    state = traced.reduced[2]
    inside = traced.child(state)
    if inside is None:
        return
    if not is_by_value(traced):
        yield from _attributes(inside)
        return
    own, slots = inside.child(state[0]), inside.child(state[1])
    for name, slot in (("globals", "__globals__"), ("defaults", "__defaults__"), ("kwdefaults", "__kwdefaults__"),
                       ("closure", "__closure__"), ("annotations", "__annotations__")):  # fmt: skip
        part = None if slots is None else slots.child(state[1][slot])
        if part is not None and (state[1][slot] or name in ("globals", "closure")):
            yield Role("Attribute", (("name", name),), part)
        elif name == "closure" and slots is not None and state[1][slot] is None and not traced.on_path:
            empty = Traced([])
            empty.size_bytes = 1
            yield Role("Attribute", (("name", name),), empty)
    if own is not None:
        yield Role("Attribute", (("name", "function_attributes"),), own)


def _of_instance(traced: Traced) -> Iterator[Role]:
    """One `Attribute` for each entry of its state; items and pairs of containers; what else it is made of."""
    assert traced.reduced is not None
    maker, args, state = traced.reduced
    taken: set[int] = set()
    inside = traced.child(state) if state is not None else None
    if inside is not None:
        taken.add(id(inside))
        yield from _attributes(inside)
    rest = [child for child in traced.children if id(child) not in taken and child.obj is not maker]
    items = _items_of(traced.obj, rest)
    taken.update(id(role.traced) for role in items)
    yield from items
    for child in rest:
        if child.obj is args or _are_same(child.obj, args[1:]):  # __newobj__ takes the class off
            yield from (Role("Dependency", (), part) for part in child.children if not _is_name(part))
        elif id(child) not in taken and child.obj is not traced.obj and not _is_name(child):
            yield Role("Dependency", (), child)


def _items_of(obj: Any, children: list[Traced]) -> list[Role]:
    """Items of an instance of a subclass of a container."""
    if not isinstance(obj, (dict, list)):
        return []
    parts = [part for pair in dict.items(obj) for part in pair] if isinstance(obj, dict) else list(list.__iter__(obj))
    ids = {id(part) for part in parts}
    items = [child for child in children if id(child.obj) in ids]
    if isinstance(obj, dict):
        return list(_values(dict(dict.items(obj)), items))
    return list(_elements(parts, items))


def _attributes(state: Traced) -> Iterator[Role]:
    """The entries of a state: a dictionary, or (dictionary, dictionary of slots), or whatever the class made of it."""
    if isinstance(state.obj, dict) and state.reduced is None:
        for role in _values(state.obj, state.children):
            name = role.attributes[0][1] if role.name == "Value" else "key"
            yield Role("Attribute", (("name", name),), role.traced)
    elif isinstance(state.obj, tuple) and all(isinstance(part, (dict, type(None))) for part in state.obj):
        for child in state.children:
            yield from _attributes(child)
    else:
        yield Role("Attribute", (("name", "state"),), state)


def _named(traced: Traced, parts: dict[str, Any]) -> Iterator[Role]:
    """Attributes with these names, wherever below they were pickled."""
    below = list(itertools.islice(_below(traced), 64))
    for name, part in parts.items():
        for child in below:
            if child.obj is part:
                yield Role("Attribute", (("name", name),), child)
                break


def _below(traced: Traced) -> Iterator[Traced]:
    """Children, and those of the tuples that only carry them."""
    for child in traced.children:
        yield child
        if type(child.obj) in (tuple, list):
            yield from child.children


def _elements(items: Iterable[Any], children: Iterable[Traced]) -> Iterator[Role]:
    """Items matched with the children that are these very objects, both being in the same order."""
    for n, child in _matched(items, children):
        shown = _inside(child) if isinstance(child.obj, types.CellType) else child
        if shown is not None:
            yield Role("Element", (("entryNum", str(n)),), shown)


def _values(pairs: dict[Any, Any], children: Iterable[Traced]) -> Iterator[Role]:
    flat = [part for pair in pairs.items() for part in pair]
    for n, child in _matched(flat, children):
        if n % 2:
            key = flat[n - 1]
            yield Role("Value", (("key", shown_key(key)), ("keyObjId", str(id(key)))), child)
        elif not isinstance(child.obj, str):
            yield Role("Dependency", (), child)


def _matched(items: Iterable[Any], children: Iterable[Traced]) -> Iterator[tuple[int, Traced]]:
    """(position, child) of the items that were traced: both are in the same order."""
    positions = enumerate(items)
    for child in children:
        for n, item in positions:
            if item is child.obj:
                yield n, child
                break


def shown_key(key: Any) -> str:
    """A dictionary's key as text (SPEC D.7)."""
    if isinstance(key, str):
        return key if len(key) <= _LONG_KEY else f"{key[: _LONG_KEY // 2]}...{key[-_LONG_KEY // 2 :]}"
    return str(key) if type(key) in (int, float, bool) else "object"


def _inside(cell: Traced) -> Traced | None:
    """What a closure's cell holds, if it was traced."""
    try:
        content = cell.obj.cell_contents
    except ValueError:  # nothing yet
        return None
    return next((child for child in _below(cell) if child.obj is content), None)


def _are_same(some: Any, others: tuple[Any, ...]) -> bool:
    return type(some) is tuple and len(some) == len(others) and all(map(operator.is_, some, others))


def _is_name(traced: Traced) -> bool:
    """Whether it only names a class or function of a module, as every reconstruction does."""
    return traced.reduced is None and isinstance(traced.obj, (type, types.FunctionType, types.BuiltinFunctionType))
