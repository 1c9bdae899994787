"""Contents of files by digest, read again only when a file may have changed."""

import hashlib
import os
import time
import zipfile
from dataclasses import dataclass

from cloud.client.code.origin import Origin

_KEPT_BYTES = 256 * 1024
"""Smaller files are kept in memory, as are the sources of loaded modules: the file may be another when it is sent."""
_SETTLED_NS = 50_000_000
"""A file changed more recently may change again without a new time stamp."""

Key = tuple[int, int, int]


@dataclass(slots=True)
class Held:
    """What a file holds, or held when its module was loaded."""

    digest: str
    size_bytes: int
    executable: bool
    path: str
    key: Key | None
    """Time, size and number of the file when it was read; None: it has to be read again."""
    spec: object | None
    """Of the loaded module, whose content stays what it was; None: nothing of it is loaded."""
    data: bytes | None
    """The content, if it is kept."""


class Contents:
    """Remembers what was read."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._archives: dict[str, tuple[Key, dict[str, bytes]]] = {}

    def look(self, path: str, spec: object | None = None) -> Held:
        """The content that a job gets: of a loaded module what was loaded, as far as we know, else what is there now.

        Raises:
            OSError: it cannot be read.
        """
        held = self._held.get(path)
        if held is not None and spec is not None and held.spec is spec:
            return held
        about = os.stat(path)
        key = (about.st_mtime_ns, about.st_size, about.st_ino)
        if held is not None and held.key == key:
            held.spec = spec
            if spec is None or held.data is not None:
                return held
        with open(path, "rb") as file:
            data = file.read()
        if time.time_ns() - about.st_mtime_ns < _SETTLED_NS:
            key = None  # type: ignore[assignment]
        held = Held(
            hashlib.sha256(data).hexdigest(), len(data), bool(about.st_mode & 0o100), path, key, spec,
            data if spec is not None or len(data) <= _KEPT_BYTES else None,
        )  # fmt: skip
        self._held[path] = held
        return held

    def size_of(self, path: str, spec: object | None) -> int:
        """Bytes of what `look` would give, which need not be read for that.

        Raises:
            OSError: there is no such file.
        """
        held = self._held.get(path)
        return held.size_bytes if held is not None and spec is not None and held.spec is spec else os.stat(path).st_size

    def members(self, archive: str) -> dict[str, bytes]:
        """Contents of a zip file, by the path inside it.

        Raises:
            OSError: it cannot be read.
        """
        about = os.stat(archive)
        key = (about.st_mtime_ns, about.st_size, about.st_ino)
        known = self._archives.get(archive)
        if known is None or known[0] != key:
            with zipfile.ZipFile(archive) as file:
                members = {item.filename: file.read(item) for item in file.infolist() if not item.is_dir()}
            known = self._archives[archive] = key, members
        return known[1]

    def source(self, origin: Origin) -> bytes:
        """The source of a module; empty when there is none.

        Raises:
            OSError: it cannot be read.
        """
        if origin.archive:
            return self.members(origin.archive).get(origin.place, b"")
        if not origin.file.endswith((".py", ".pyw")):
            return b""
        held = self.look(origin.file, origin.spec)
        return held.data if held.data is not None else read_again(held)


def read_again(held: Held) -> bytes:
    """The content of a file that was not kept.

    Raises:
        Changed: it is another by now.
        OSError: it cannot be read.
    """
    with open(held.path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != held.digest:
        raise Changed(held.path)
    return data


class Changed(Exception):
    """A file changed between the look at it and its sending."""
