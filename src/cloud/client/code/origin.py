"""Where modules come from. Local is what is neither in the standard library nor installed: it travels with jobs.

A package under development (`pip install -e`) is local, because its files are where its developer keeps them.
"""

import importlib.machinery
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

RESERVED = frozenset({"cloud", "cloudpickle", "__main__", "__mp_main__"})
"""Every worker has its own."""
_INSTALLED_PARTS = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A local module."""

    name: str
    file: str
    """Absolute path; '' for a package without `__init__.py`. Inside an archive: the archive's path and the member's."""
    place: str
    """Where its file belongs below a folder on the search path, parts separated by '/'; '' without a file."""
    root: str
    """The folder (or archive) under which it was found; '' when it was loaded from a file of another name."""
    folders: tuple[str, ...]
    """Of a package: where its modules are."""
    spec: object | None
    """Of a loaded module, the very object: a reload makes a new one. None: it is not loaded."""
    archive: str = ""
    """The zip file it is in."""

    @property
    def top(self) -> str:
        """Name of its top-level package or module."""
        return self.name.partition(".")[0]


INSTALLED = Origin("", "", "", "", (), None)
"""Stands for all modules that are not local."""


class Origins:
    """Finds modules without importing any; to be made anew for each look, since it remembers."""

    def __init__(self) -> None:
        self._known: dict[str, Origin | None] = {}

    def find(self, name: str) -> Origin | None:
        """The module; `INSTALLED` when it is not local, None when there is none of this name."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Origin | None:
        if name in RESERVED or name in sys.builtin_module_names:
            return INSTALLED
        module = sys.modules.get(name)
        if module is not None:
            return _loaded(name, module)
        parent, _, _ = name.rpartition(".")
        folders: tuple[str, ...] = ()
        if parent:
            above = self.find(parent)
            if above is None or above is INSTALLED:
                return above
            folders = above.folders
        spec = _unloaded(name, folders if parent else None)
        return None if spec is None else _origin(name, spec.origin if spec.has_location else None,
                                                 spec.submodule_search_locations, spec, None)  # fmt: skip


def is_installed(path: str) -> bool:
    """Whether a file or folder belongs to the standard library or to an installed distribution."""
    folder = os.path.dirname(path)
    return _is_installed_folder(folder)


@lru_cache(4096)
def _is_installed_folder(folder: str) -> bool:
    if not _INSTALLED_PARTS.isdisjoint(folder.split(os.sep)):
        return True
    real = os.path.realpath(folder) + os.sep
    return any(real.startswith(known) or (folder + os.sep).startswith(known) for known in _installed_folders())


@lru_cache(1)
def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [*getattr(site, "getsitepackages", list)(), getattr(site, "getusersitepackages", str)()]
    return tuple({os.path.realpath(path) + os.sep for path in found if path} | {p + os.sep for p in found if p})


@lru_cache(256)
def _is_target_of_pip(root: str) -> bool:
    """Whether distributions were installed there (`pip install --target`), so that its modules are not one's own."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(root))
    except OSError:
        return False


def _loaded(name: str, module: Any) -> Origin | None:
    """A module as it is in `sys.modules`; None for one that exists in memory only."""
    held = getattr(module, "__dict__", {})
    file, path, spec = held.get("__file__"), held.get("__path__"), held.get("__spec__")
    origin = getattr(spec, "origin", None)
    if file is None and path is None:
        return INSTALLED if origin in ("built-in", "frozen") else None
    return _origin(name, file, path, spec, spec if spec is not None else module)


def _unloaded(name: str, folders: Iterable[str] | None) -> Any:
    try:
        if folders is None:
            return importlib.util.find_spec(name)
        return importlib.machinery.PathFinder.find_spec(name, list(folders))
    except KeyError:  # a folder without __init__.py: importlib looks for the package around it, which is not loaded
        return _namespace(name, folders or ())
    except (ImportError, AttributeError, ValueError, TypeError):
        return None


def _namespace(name: str, folders: Iterable[str]) -> Any:
    places = [os.path.join(folder, name.rpartition(".")[2]) for folder in folders]
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [place for place in places if os.path.isdir(place)]
    return spec if spec.submodule_search_locations else None


def _origin(name: str, file: Any, path: Any, spec: Any, loaded: object | None) -> Origin | None:
    folders = tuple(os.path.abspath(item) for item in path or () if isinstance(item, str))
    if not isinstance(file, str):
        local = tuple(folder for folder in folders if not is_installed(folder))
        if not local:
            return INSTALLED if folders or getattr(spec, "origin", None) in ("built-in", "frozen") else None
        root = _ancestor(local[0], name.count(".") + 1)
        return Origin(name, "", "", root, local, loaded)
    file = os.path.abspath(file)
    if file.endswith(".pyc"):
        file = _source_of(file)
    if is_installed(file):
        return INSTALLED
    place = name.replace(".", "/") + ("/" if path is not None else "")
    place = place + os.path.basename(file) if path is not None else _beside(place, file)
    root = file[: -len(place) - 1] if file.endswith(os.sep + place.replace("/", os.sep)) else ""
    if root and _is_target_of_pip(root):
        return INSTALLED
    archive = getattr(getattr(spec, "loader", None), "archive", "")
    return Origin(name, file, place, root, folders, loaded, archive if isinstance(archive, str) else "")


def _beside(place: str, file: str) -> str:
    """The place of a module's file, whose suffix may be that of an extension."""
    base = os.path.basename(file)
    stem, dot, suffix = base.partition(".")
    above, _, last = place.rpartition("/")
    kept = base if stem == last else f"{last}{dot}{suffix}"
    return f"{above}/{kept}" if above else kept


def _ancestor(path: str, levels: int) -> str:
    for _ in range(levels):
        path = os.path.dirname(path)
    return path


def _source_of(file: str) -> str:
    try:
        source = importlib.util.source_from_cache(file)
    except ValueError:
        source = file[:-1]
    return source if os.path.exists(source) else file
