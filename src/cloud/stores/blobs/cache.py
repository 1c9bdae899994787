"""Blobs of an object store that are on this machine as well: a folder of files, the longest unused of which go."""

import contextlib
import os
import threading
from collections.abc import Iterable

from cloud.model import BlobRef, Buffer
from cloud.stores.blobs.folder import FolderBlobs


class BlobCache:
    """At most `most_bytes` (but always the newest blob), in a folder that nobody else uses. For any thread."""

    def __init__(self, path: str | os.PathLike[str], most_bytes: int) -> None:
        self._folder = FolderBlobs(path)
        self._most_bytes = most_bytes
        self._noting = threading.Lock()
        self._used: dict[str, None] = dict.fromkeys(self._folder.names())
        """Names, the longest unused first."""

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """Keep it."""
        ref = self._folder.put(name, parts)
        self._note(name)
        return ref

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Keep what is in an open file, without copying where the platform can."""
        ref = self._folder.adopt(name, fd)
        self._note(name)
        return ref

    def open(self, name: str) -> int | None:
        """A new read-only descriptor; None: it is not here."""
        with contextlib.suppress(FileNotFoundError):
            fd = self._folder.open(name)
            self._note(name)
            return fd
        return None

    def read(self, name: str) -> Buffer | None:
        """Its bytes, mapped; None: it is not here."""
        with contextlib.suppress(FileNotFoundError):
            data = self._folder.read(name)
            self._note(name)
            return data
        return None

    def drop(self, names: Iterable[str]) -> None:
        """Those that are here."""
        with self._noting:
            self._drop(names)

    def make_room(self) -> bool:
        """Drop everything: the disk is full, maybe of this. Whether there was anything."""
        with self._noting:
            names = list(self._used)
            self._drop(names)
        return bool(names)

    def spool(self) -> str | None:
        """See `Blobs.spool`."""
        return self._folder.spool()

    def _note(self, name: str) -> None:
        with self._noting:
            self._used.pop(name, None)
            self._used[name] = None
            while len(self._used) > 1 and self._folder.size_bytes() > self._most_bytes:
                self._drop([next(iter(self._used))])

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._used:
                del self._used[name]
                self._folder.delete([name])
