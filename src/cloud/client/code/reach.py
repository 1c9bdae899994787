"""All local modules that follow from some names: what they import, and what that imports."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.client.code.contents import Contents
from cloud.client.code.imports import imports_of
from cloud.client.code.origin import INSTALLED, RESERVED, Origin, Origins


@dataclass(slots=True)
class Reach:
    """What was found."""

    modules: dict[str, Origin] = field(default_factory=dict)
    """Local modules by name."""
    installed: set[str] = field(default_factory=set)
    """Top-level names of modules of installed distributions, and of the standard library."""
    problems: list[str] = field(default_factory=list)


def reach(names: Iterable[str], contents: Contents) -> Reach:
    """Follow the names. What is no module at all is passed over: it may be a thing in a module, or optional."""
    found = Reach()
    origins = Origins()
    todo = list(names)
    seen: set[str] = set()
    elsewhere: set[str] = set()  # packages of which nothing is local
    while todo:
        name = todo.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        if top in RESERVED or top in elsewhere:
            continue
        if "." in name:
            todo.append(name.rpartition(".")[0])
        origin = origins.find(name)
        if origin is INSTALLED:
            found.installed.add(top)
            if name == top:
                elsewhere.add(top)
        elif origin is not None:
            found.modules[name] = origin
            todo += _follow(origin, contents, found)
    _note_shadows(found)
    return found


def _follow(origin: Origin, contents: Contents, found: Reach) -> frozenset[str]:
    if not origin.file:
        return frozenset()
    try:
        source = contents.source(origin)
    except OSError as error:
        found.problems.append(f"the local module {origin.name} cannot be read: {origin.file}: {error.strerror}")
        return frozenset()
    package = origin.name if origin.folders else origin.name.rpartition(".")[0]
    return imports_of(source, package)


def _note_shadows(found: Reach) -> None:
    """A worker has loaded much of the standard library before any local module is there."""
    for name, origin in found.modules.items():
        if name in sys.stdlib_module_names:
            found.problems.append(
                f"the local module {name} ({origin.file}) shadows the standard library's: "
                f"in a worker, {name} is the standard library's; rename yours"
            )
