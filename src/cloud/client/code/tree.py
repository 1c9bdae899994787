"""The files of local modules: whole top-level packages, data files included."""

import hashlib
import importlib.machinery
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from cloud.client.code.contents import Contents, Held
from cloud.client.code.origin import Origin
from cloud.model import CodeFile, version_of

TOP_MAX_BYTES = 20 << 20
"""A top-level package or module travels whole up to this size."""
_WORTH_NAMING_BYTES = 1 << 16
"""Smaller files make no package too large."""
FILES_MAX = 20_000
_NOT_SENT = frozenset({"__pycache__", "node_modules"})


@dataclass(slots=True)
class Tree:
    """Files of one code version, and where they come from."""

    places: dict[str, Held] = field(default_factory=dict)
    """By path in the folder of a worker."""
    tops: dict[str, int] = field(default_factory=dict)
    """Top-level packages and modules that are sent, with their size in bytes."""
    roots: set[str] = field(default_factory=set)
    """Folders and archives that these files take the place of."""
    kept: set[str] = field(default_factory=set)
    """Those that stay on the search path, because something in them is needed and may not be sent."""
    extensions: list[str] = field(default_factory=list)
    """Paths of extension modules, which only run on the platform they were built for."""
    folders: set[str] = field(default_factory=set)
    """Folders that were looked through."""
    problems: list[str] = field(default_factory=list)

    @property
    def files(self) -> tuple[CodeFile, ...]:
        """The manifest, ascending."""
        return tuple(
            CodeFile(place, held.digest, held.size_bytes, held.executable)
            for place, held in sorted(self.places.items())
        )

    @property
    def version(self) -> str:
        """Its name; '' without files."""
        return version_of(self.files) if self.places else ""


def tree_of(modules: dict[str, Origin], contents: Contents, whitelist: Collection[str] | None) -> Tree:
    """The files of these modules, with everything in their top-level packages.

    Args:
        modules: by name.
        contents: where files are read.
        whitelist: the only modules and packages that may be sent; None: all.
    """
    tree = Tree()
    by_top: dict[str, list[Origin]] = {}
    for origin in modules.values():
        by_top.setdefault(origin.top, []).append(origin)
    for top, origins in sorted(by_top.items()):
        try:
            listed = _list(origins, contents, tree)
            allowed = {place: found for place, found in listed.items() if _may_travel(place, whitelist)}
            (tree.roots if allowed else tree.kept).update(origin.archive or origin.root for origin in origins)
            tree.tops[top] = sum(found.size_bytes for found in allowed.values())
            if _is_too_large(top, allowed, tree):
                continue  # of which nothing was read
            specs = {origin.file: origin.spec for origin in origins}
            for place, found in allowed.items():
                tree.places[place] = found.held or contents.look(found.path, specs.get(found.path))
        except OSError as error:
            tree.problems.append(f"the local module {top} cannot be sent: {error}")
    tree.extensions = [held.path for held in tree.places.values() if is_extension(held.path)]
    return tree


def is_extension(path: str) -> bool:
    """Whether this interpreter would load the file as compiled code."""
    name = os.path.basename(path)
    tagged = [suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if suffix.count(".") > 1]
    if any(name.endswith(suffix) for suffix in tagged):
        return True
    return name.endswith((".so", ".pyd", ".dylib")) and ".cpython-" not in name and ".cp3" not in name


@dataclass(slots=True)
class _Found:
    """A file that belongs to a package; not read yet."""

    path: str
    size_bytes: int
    held: Held | None = None
    """Its content, where that is known: it is in an archive."""


def _list(origins: Iterable[Origin], contents: Contents, tree: Tree) -> dict[str, _Found]:
    """All files of one top-level package, by place."""
    listed: dict[str, _Found] = {}
    walked: set[tuple[str, str]] = set()
    for origin in origins:
        if origin.archive:
            listed.update(_members(origin, contents))
            continue
        if origin.file and origin.place not in listed:
            listed[origin.place] = _Found(origin.file, contents.size_of(origin.file, origin.spec))
        for folder, above in _folders(origin):
            if (folder, above) in walked:
                continue
            walked.add((folder, above))
            for place, entry in _walk(folder, above, tree.folders):
                listed.setdefault(place, _Found(entry.path, entry.stat().st_size))
                if len(listed) > FILES_MAX:
                    raise OSError(f"{folder} holds more than {FILES_MAX:,} files")
    return listed


def _members(origin: Origin, contents: Contents) -> Iterator[tuple[str, _Found]]:
    for member, data in contents.members(origin.archive).items():
        if member.partition("/")[0].partition(".")[0] == origin.top and not member.endswith(".pyc"):
            path = os.path.join(origin.archive, member)
            held = Held(hashlib.sha256(data).hexdigest(), len(data), False, path, None, None, data)
            yield member, _Found(path, len(data), held)


def _folders(origin: Origin) -> Iterator[tuple[str, str]]:
    """(folder, place) of what is sent as a whole because of a module."""
    if origin.root and "." in origin.name:
        whole = os.path.join(origin.root, origin.top)
        if os.path.isdir(whole):
            yield whole, origin.top
    else:
        yield from ((folder, origin.name.replace(".", "/")) for folder in origin.folders)


def _walk(
    folder: str, place: str, seen: set[str], around: frozenset[str] = frozenset()
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """(place, entry) of all files below a folder, without caches, hidden files and environments of Python.

    What several links lead to is there several times, but not inside itself (`around`: the real folders above).
    """
    real = os.path.realpath(folder)
    if real in around:
        return
    around |= {real}
    seen |= {real, folder}
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    if any(entry.name == "pyvenv.cfg" for entry in listed):
        return
    for entry in listed:
        name = entry.name
        if name.startswith(".") or name in _NOT_SENT or name.endswith((".pyc", ".pyo")) or not _can_travel(name):
            continue
        if entry.is_dir():
            yield from _walk(entry.path, f"{place}/{name}", seen, around)
        elif entry.is_file():
            yield f"{place}/{name}", entry


def _can_travel(name: str) -> bool:
    """Whether every server and worker can call a file so: no name of bytes that are no text."""
    return "\\" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def _may_travel(place: str, whitelist: Collection[str] | None) -> bool:
    """A package on the list brings the `__init__.py` of those around it."""
    if whitelist is None:
        return True
    module = place.rpartition(".")[0].replace("/", ".") if "." in place.rpartition("/")[2] else place.replace("/", ".")
    if any(module == name or module.startswith(f"{name}.") for name in whitelist):
        return True
    package, _, last = module.rpartition(".")
    return last == "__init__" and any(name.startswith(f"{package}.") for name in whitelist)


def _is_too_large(top: str, listed: dict[str, _Found], tree: Tree) -> bool:
    size = tree.tops[top]
    if size <= TOP_MAX_BYTES:
        return False
    first, *others = sorted(listed.items(), key=lambda item: -item[1].size_bytes)[:3]
    largest = [first, *(other for other in others if other[1].size_bytes >= _WORTH_NAMING_BYTES)]
    named = ", ".join(f"{place} ({_megabytes(found.size_bytes)})" for place, found in largest)
    tree.problems.append(
        f"the local package {top} has {_megabytes(size)} in {len(listed):,} files, and no more than "
        f"{_megabytes(TOP_MAX_BYTES)} are sent; the largest: {named}"
    )
    return True


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"


def held_by(search_path: Iterable[str], roots: Collection[str]) -> list[str]:
    """Entries of a search path that are among the roots, but for those where cloud itself is found."""
    real = {os.path.realpath(root) for root in roots if root}
    ours = {_home("cloud"), _home("cloudpickle")}
    return [entry for entry in search_path if (where := os.path.realpath(entry)) in real and where not in ours]


def _home(package: str) -> str:
    file = getattr(sys.modules.get(package), "__file__", None)
    return os.path.realpath(os.path.dirname(os.path.dirname(file))) if file else ""
