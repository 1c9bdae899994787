"""Blobs of an object store that are on this machine as well: a folder of files, the longest unused of which go.

All processes of this machine that use the same store may share the folder: what one has fetched the others have, too.
So the files themselves say when they were used last, by their times.
"""

import contextlib
import fcntl
import os
import threading
import zlib
from collections.abc import Iterable, Iterator

from cloud.model import BlobRef, Buffer
from cloud.stores.blobs.folder import FolderBlobs

_LOCKS = 64
_LOOKS = 16
"""A process looks whether there is too much each time that it has added a sixteenth of what may be there."""


class BlobCache:
    """About `most_bytes` at most (but always the newest blob). For any thread."""

    def __init__(self, path: str | os.PathLike[str], most_bytes: int) -> None:
        self._folder = FolderBlobs(path, shared=True, tidy=True)
        self._locks = f"{os.path.abspath(path)}.locks"
        os.makedirs(self._locks, mode=0o700, exist_ok=True)
        self._most_bytes = most_bytes
        self._trimming = threading.Lock()
        self._added = 0

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """Keep it."""
        ref = self._folder.put(name, parts)
        self._came(ref)
        return ref

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Keep what is in an open file, without copying where the platform can."""
        ref = self._folder.adopt(name, fd)
        self._came(ref)
        return ref

    def open(self, name: str) -> int | None:
        """A new read-only descriptor; None: it is not here."""
        with contextlib.suppress(FileNotFoundError):
            fd = self._folder.open(name)
            self._folder.note_use(name)
            return fd
        return None

    def read(self, name: str) -> Buffer | None:
        """Its bytes, mapped; None: it is not here."""
        with contextlib.suppress(FileNotFoundError):
            data = self._folder.read(name)
            self._folder.note_use(name)
            return data
        return None

    @contextlib.contextmanager
    def fetching(self, name: str) -> Iterator[None]:
        """Nobody else on this machine fetches this one meanwhile."""
        number = zlib.crc32(name.encode()) % _LOCKS
        fd = os.open(os.path.join(self._locks, str(number)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def drop(self, names: Iterable[str]) -> None:
        """Those that are here."""
        self._folder.delete(names)

    def make_room(self) -> bool:
        """Drop everything: the disk is full, maybe of this. Whether there was anything."""
        names = list(self._folder.names())
        self._folder.delete(names)
        return bool(names)

    def spool(self) -> str | None:
        """See `Blobs.spool`."""
        return self._folder.spool()

    def _came(self, ref: BlobRef) -> None:
        self._folder.note_use(ref.name)
        with self._trimming:
            self._added += ref.size_bytes
            if self._added * _LOOKS >= self._most_bytes or self._folder.size_bytes() > self._most_bytes:
                self._added = 0
                self._trim()

    def _trim(self) -> None:
        files = sorted(self._folder.uses())
        size_bytes = sum(size for _, size, _ in files)
        for _, size, name in files[:-1]:
            if size_bytes <= self._most_bytes:
                break
            self._folder.delete([name])
            size_bytes -= size
        self._folder.count_again()
