"""What this program's jobs need so far. It grows and is shared by all of them, so that they can share workers."""

import os
import sys
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from cloud.client.code.contents import Contents, Held
from cloud.client.code.distributions import distributions_of
from cloud.client.code.imports import absolute
from cloud.client.code.origin import RESERVED, is_installed
from cloud.client.code.reach import reach
from cloud.client.code.refusal import refused
from cloud.client.code.tree import Tree, tree_of
from cloud.client.code.whitelist import WHITELIST
from cloud.config import setting
from cloud.model import Buffer, CodeFile
from cloud.pickling.references import References, chunk_references, references

LEAVE_OUT = (
    "move large data out of packages, and pass its path; or name all modules that may be sent in "
    "cloud.set_dependency_whitelist([...]): jobs on this machine find the others where they are"
)
LOOK_SECONDS = 1.0
"""Files are looked at once in so long, and at every submission when there are few."""
FEW_FILES = 40
_REMEMBERED = 4096
NAMED_MOST = 100


@dataclass(frozen=True, slots=True)
class LocalCode:
    """A code version of this program."""

    version: str
    files: tuple[CodeFile, ...]
    contents: dict[str, Held]
    """By digest."""
    roots: frozenset[str]
    """Folders and archives that it takes the place of on the search path."""
    extensions: tuple[str, ...]
    """Paths of compiled modules in it."""
    modules: frozenset[str]
    """Local modules that were found to be needed."""


class Ledger:
    """Says which code version a submission needs. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents = Contents()
        self._functions: dict[str, frozenset[str]] = {}
        self._forget(None)

    def _forget(self, settings: object) -> None:
        self._settings = settings
        self._wanted: set[str] = set()
        """Names that were found in pickles; some are no modules, or not yet."""
        self._code: LocalCode | None = None
        self._modules: frozenset[str] = frozenset()
        self.distributions = ""
        """'module=name version' of installed modules that the jobs of this program import, separated by ';'."""
        self._specs: list[tuple[str, object | None]] = []
        self._watched: list[tuple[str, object]] = []
        self._looked_at = 0.0
        self._local: set[str] = set()
        self._classified: dict[str, object] = {}

    def needed(self, where: str, digest: str, function: Buffer, chunks: Iterable[Sequence[Buffer]]) -> LocalCode | None:
        """The version for a job; None when nothing local is needed, by this job or those before it.

        Args:
            where: how the user calls it, for messages.
            digest, function: the pickled function.
            chunks: packed arguments.

        Raises:
            CannotTransfer: listing what is in the way.
        """
        with self._lock:
            settings = (WHITELIST.names, tuple(setting("extra_modules")))
            if settings != self._settings:
                self._forget(settings)
            names = set(self._names_of(digest, function)) | set(settings[1])
            names |= self._names_in(chunks)
            if not names <= self._wanted or self._is_stale():
                self._update(where, names)
            return self._code

    def has_news(self, chunks: Iterable[Sequence[Buffer]]) -> bool:
        """Whether arguments name modules that no submission named before."""
        with self._lock:
            return not self._names_in(chunks) <= self._wanted

    def _names_of(self, digest: str, function: Buffer) -> frozenset[str]:
        names = self._functions.get(digest)
        if names is None:
            names = names_in(references(function))
            while len(self._functions) >= _REMEMBERED:
                del self._functions[next(iter(self._functions))]
            self._functions[digest] = names
        return names

    def _names_in(self, chunks: Iterable[Sequence[Buffer]]) -> frozenset[str]:
        names: frozenset[str] = frozenset()
        for parts in chunks:
            if len(parts) > 1 or not isinstance(parts[0], bytes) or b"\x93" in parts[0]:
                names |= names_in(chunk_references(parts, self._loaded_local()))
        return names

    def _loaded_local(self) -> set[str]:
        """Local modules that are loaded and not known to be needed: only these can be news in arguments."""
        if len(sys.modules) != len(self._classified):
            for name, module in list(sys.modules.items()):
                if name not in self._classified:
                    self._classified[name] = None
                    if _is_local(name, module):
                        self._local.add(name)
            for name in self._classified.keys() - sys.modules.keys():
                del self._classified[name]
                self._local.discard(name)
        return self._local - self._modules

    def _is_stale(self) -> bool:
        """Whether a module was loaded or reloaded, or a file changed, as far as that is looked at now."""
        loaded = sys.modules
        for name, spec in self._specs:
            if _spec_of(loaded.get(name)) is not spec:
                return True
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            return True
        if len(self._watched) > FEW_FILES:
            return False
        return any(_stamp(path) != stamp for path, stamp in self._watched)

    def _update(self, where: str, names: set[str]) -> None:
        """Look at everything anew. What earlier submissions needed is dropped where it is in the way of this one."""
        wanted = self._wanted | names
        problems = self._look(wanted)
        if problems and wanted != names:
            wanted = names
            problems = self._look(wanted)
        if problems:
            self._forget(self._settings)
            raise refused(where, problems, LEAVE_OUT)
        self._wanted = wanted

    def _look(self, names: Collection[str]) -> list[str]:
        found = reach(names, self._contents)
        tree = tree_of(found.modules, self._contents, WHITELIST.names)
        self._looked_at = time.monotonic()
        self._modules = frozenset(found.modules)
        versions = distributions_of(sorted(found.installed)[:NAMED_MOST])
        self.distributions = ";".join(f"{top}={text}" for top, text in versions.items())
        self._specs = [(name, origin.spec) for name, origin in found.modules.items()]
        frozen = {o.file for o in found.modules.values() if o.spec is not None}
        self._watched = [(path, _stamp(path)) for path in _watched(tree) if path not in frozen]
        version = tree.version
        if self._code is None or self._code.version != version:
            self._code = code_of(tree, self._modules) if version else None
        return found.problems + tree.problems


def code_of(tree: Tree, modules: frozenset[str]) -> LocalCode:
    """The version of a tree."""
    return LocalCode(
        tree.version,
        tree.files,
        {held.digest: held for held in tree.places.values()},
        frozenset(tree.roots - tree.kept),
        tuple(tree.extensions),
        modules,
    )


def names_in(found: References) -> frozenset[str]:
    """Names in a pickle that may be those of local modules; relative ones are seen from the main module's package."""
    package = getattr(sys.modules.get("__main__"), "__package__", None) or ""
    names = found.named | {absolute(name, package) if name.startswith(".") else name for name in found.imported}
    return frozenset(name for name in names if name and not _is_standard(name))


def _is_standard(name: str) -> bool:
    top = name.partition(".")[0]
    if top in RESERVED:
        return True
    return top in sys.stdlib_module_names and not _is_local(top, sys.modules.get(top))


def _is_local(name: str, module: object) -> bool:
    if name.partition(".")[0] in RESERVED or not isinstance(module, ModuleType):
        return False
    file = module.__dict__.get("__file__")
    return isinstance(file, str) and not is_installed(os.path.abspath(file))


def _spec_of(module: object) -> object | None:
    """As in `Origin.spec`."""
    if module is None:
        return None
    spec: object | None = getattr(module, "__dict__", {}).get("__spec__")
    return module if spec is None else spec


def _watched(tree: Tree) -> list[str]:
    return sorted({held.path for held in tree.places.values()} | tree.folders)


def _stamp(path: str) -> object:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


LEDGER = Ledger()
