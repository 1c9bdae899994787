"""`cloud.explain`: what would be sent with a job, and what would be in its way."""

import dis
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloud.client.code.contents import Contents
from cloud.client.code.distributions import distributions_of
from cloud.client.code.ledger import names_in
from cloud.client.code.reach import Reach, reach
from cloud.client.code.tree import Tree, tree_of
from cloud.client.code.whitelist import WHITELIST
from cloud.client.naming import full_name
from cloud.client.reserved import take_reserved
from cloud.client.signature import not_callable
from cloud.config import setting
from cloud.model import Buffer
from cloud.pickling import CACHE_TAG, dump_function, dumps
from cloud.pickling.references import References, references


@dataclass(slots=True)
class Explanation:
    """What would be sent; sizes in bytes. `print` shows it."""

    function: str
    """'module.function at file:line'."""
    function_bytes: int = 0
    members: dict[str, int] = field(default_factory=dict)
    """Of a function that travels by value: its globals, closure and defaults."""
    arguments: dict[str, int] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    """Local modules that the job needs, with their files."""
    files: dict[str, int] = field(default_factory=dict)
    """What would be sent of local modules: whole top-level packages."""
    installed: dict[str, str] = field(default_factory=dict)
    """Modules that are not sent, with name and version of their distribution."""
    python: str = ""
    problems: list[str] = field(default_factory=list)
    """What would be in the way; `cloud.call` would raise an error with these."""

    @property
    def total_bytes(self) -> int:
        """Function, arguments and local modules together."""
        return self.function_bytes + sum(self.arguments.values()) + sum(self.files.values())

    def __str__(self) -> str:
        lines = [f"{self.function}, {self.python}"]
        lines += _section(f"function: {_size(self.function_bytes)}", self.members)
        lines += _section(f"arguments: {_size(sum(self.arguments.values()))}", self.arguments)
        lines += _section(
            f"local modules: {_size(sum(self.files.values()))} in {len(self.files)} files", self.files, most=40
        )
        if self.installed:
            lines.append(f"installed, not sent: {', '.join(sorted(set(self.installed.values())))}")
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        return "\n".join(lines)


def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation:
    """Print and return what `cloud.call` would send with these arguments, and what would be in its way. Sends nothing.

    Raises:
        TypeError: the function is not callable.
    """
    if not callable(function):
        raise TypeError(not_callable(function, "cloud.explain"))
    take_reserved(kwargs, "cloud.explain", local=True)
    version = ".".join(map(str, sys.version_info[:3]))
    told = Explanation(full_name(function), python=f"Python {version} ({CACHE_TAG})")
    wanted: set[str] = set(setting("extra_modules"))
    _explain_function(function, told, wanted)
    named = [(f"argument {position}", value) for position, value in enumerate(args, 1)]
    for name, value in [*named, *((f"argument {name!r}", value) for name, value in kwargs.items())]:
        told.arguments[name] = _measure(name, value, told, wanted)
    contents = Contents()
    found = reach(wanted, contents)
    tree = tree_of(found.modules, contents, WHITELIST.names)
    if setting("automatic_dependency_transfer"):
        _explain_modules(found, tree, told)
    told.installed = distributions_of(sorted(found.installed))
    print(told)
    return told


def _explain_modules(found: Reach, tree: Tree, told: Explanation) -> None:
    told.modules = {name: origin.file for name, origin in sorted(found.modules.items()) if origin.file}
    told.files = {place: held.size_bytes for place, held in sorted(tree.places.items())}
    told.problems += found.problems + tree.problems


def _explain_function(function: Callable[..., Any], told: Explanation, wanted: set[str]) -> None:
    try:
        _, packed = dump_function(function)
    except Exception as error:
        told.problems.append(f"the function cannot be pickled: {type(error).__name__}: {error}")
        return
    found = references(packed)
    wanted |= names_in(found)
    told.function_bytes = len(packed)
    if not found.codes or not isinstance(function, types.FunctionType):
        return
    code, ignored = function.__code__, Explanation("")
    loaded = {item.argval for item in dis.get_instructions(code) if item.opname == "LOAD_GLOBAL"}
    used = {name: function.__globals__[name] for name in sorted(loaded) if name in function.__globals__}
    parts = [(f"global {name}", value) for name, value in used.items()]
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            parts.append((f"closure {name}", cell.cell_contents))
        except ValueError:
            continue  # not set yet
    if function.__defaults__:
        parts.append(("defaults", function.__defaults__))
    told.members = {name: _measure(name, value, ignored, set()) for name, value in parts}


def _measure(name: str, value: Any, told: Explanation, wanted: set[str]) -> int:
    try:
        parts = dumps(value)
    except Exception as error:
        told.problems.append(f"{name} cannot be pickled: {type(error).__name__}: {error}")
        return 0
    for found in map(_references, parts):
        wanted |= names_in(found)
    return sum(_length(part) for part in parts)


def _references(part: Buffer) -> References:
    return references(part) if isinstance(part, bytes) and part[:1] == b"\x80" else References()


def _length(part: Buffer) -> int:
    return part.nbytes if isinstance(part, memoryview) else len(part)


def _section(title: str, sizes: dict[str, int], most: int = 20) -> list[str]:
    listed = sorted(sizes.items(), key=lambda item: -item[1])
    more = [f"    and {len(listed) - most} more"] if len(listed) > most else []
    return [title, *(f"    {name}: {_size(size)}" for name, size in listed[:most]), *more]


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 10_000 else f"{size / 1e6:,.2f} MB"
