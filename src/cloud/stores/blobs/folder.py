"""Blobs as files in a folder."""

import contextlib
import mmap
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from cloud.model import BlobRef, Buffer
from cloud.stores.blobs.naming import checked
from cloud.stores.blobs.writing import NewBlob, copy, disk_errors, write_all

_NEW = ".new"
"""Folder of files that are being written; emptied at the start, unless other servers use the folder."""
_ATTEMPTS = 20
_ABANDONED_SECONDS = 24 * 3600.0
"""Nobody writes a blob for so long."""
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_UNNAMED = getattr(os, "O_TMPFILE", 0)
_LINKS_DESCRIPTORS = bool(_UNNAMED) and os.path.isdir("/proc/self/fd")


class FolderBlobs:
    """A blob is a file; its name is its path. A file is complete and on disk before it gets its name.

    Args:
        path: of the folder, made when there is none.
        shared: other processes use it at the same time; what they are writing and the folders they write to are left.
        tidy: whether folders left empty go; None: where nobody else writes to them. (Those who do find out and make
            them anew, on a disk of this machine.)
    """

    far = False

    def __init__(self, path: str | os.PathLike[str], *, shared: bool = False, tidy: bool | None = None) -> None:
        self._growing = threading.Lock()
        self.place = self._root = os.path.abspath(path)
        self._tidy = not shared if tidy is None else tidy
        self._size_bytes: int | None = None
        with disk_errors(self._root):
            os.makedirs(os.path.join(self._root, _NEW), mode=0o700, exist_ok=True)
        self._drop_leftovers(_ABANDONED_SECONDS if shared else 0.0)

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """Durable when it returns. On a full disk `StoreFull`, and nothing is left behind."""
        with self.create(name) as new:
            new.write_all(parts)
        return new.ref

    def create(self, name: str) -> "NewFile":
        """A writer for bytes that arrive bit by bit; see `BlobWriter`."""
        return NewFile(self, checked(name))

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Take over the content of an open file, without copying when it is an unnamed one in `spool()`."""
        path = self._path(checked(name))
        about = os.fstat(fd)
        if _LINKS_DESCRIPTORS and about.st_nlink == 0 and about.st_dev == os.stat(self._root).st_dev:
            with disk_errors(path), contextlib.suppress(FileNotFoundError, PermissionError):
                _sync(fd)
                self._publish(path, fd, None)
                return BlobRef(name, about.st_size)
        with self.create(name) as new:
            new.copy_from(fd)
        return new.ref

    def spool(self) -> str | None:
        """A folder in which a worker may open unnamed files that `adopt` takes without a copy; None: memory files."""
        return self._root if _LINKS_DESCRIPTORS else None

    def open(self, name: str) -> int:
        """A new read-only file descriptor on its bytes; the caller closes it. FileNotFoundError when there is none."""
        return os.open(self._path(checked(name)), os.O_RDONLY | _CLOEXEC)

    def read(self, name: str) -> Buffer:
        """Its bytes, privately mapped: writable, copy-on-write."""
        fd = self.open(name)
        try:
            if not os.fstat(fd).st_size:
                return bytearray()
            return memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_COPY))
        finally:
            os.close(fd)

    def find(self, name: str, younger_than_seconds: float) -> BlobRef | None:
        """See `Blobs.find`."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            about = os.stat(self._path(checked(name)))
            if about.st_mtime > time.time() - younger_than_seconds:
                return BlobRef(name, about.st_size)
        return None

    def link(self, name: str, method: Literal["GET", "PUT"], seconds: float) -> str | None:
        """None: a folder is no server."""
        return None

    def delete(self, names: Iterable[str]) -> None:
        """Missing ones are skipped; folders left empty go too."""
        folders = set()
        for name in names:
            path = self._path(checked(name))
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                size_bytes = os.stat(path).st_size
                os.unlink(path)
                self._grow(-size_bytes)
                folders.add(os.path.dirname(path))
        for folder in folders if self._tidy else ():
            self._drop_empty(folder)

    def names(self, older_than_seconds: float = 0.0) -> Iterator[str]:
        """All names, or those written at least so long ago."""
        latest = time.time() - older_than_seconds
        for path, about in self._files():
            if older_than_seconds <= 0 or about.st_mtime <= latest:
                yield self._name(path)

    def size_bytes(self) -> int:
        """Bytes of all blobs; counted once, kept up to date from then on, but for what others do."""
        if self._size_bytes is None:
            self._size_bytes = sum(about.st_size for _, about in self._files())
        return self._size_bytes

    def count_again(self) -> None:
        """`size_bytes` is to see what others did."""
        with self._growing:
            self._size_bytes = None

    def note_use(self, name: str) -> None:
        """It was written or read now."""
        now = time.time_ns()  # the system's own stamps are too coarse to say which of two came first
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path(name), ns=(now, now))

    def uses(self) -> Iterator[tuple[int, int, str]]:
        """(when it was used last, bytes, name) of each blob, where uses are noted."""
        for path, about in self._files():
            yield about.st_mtime_ns, about.st_size, self._name(path)

    def close(self) -> None:
        """Nothing is held open."""

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self._root).replace(os.sep, "/")

    def _path(self, name: str) -> str:
        return os.path.join(self._root, *name.split("/"))

    def _publish(self, path: str, fd: int, new: str | None) -> None:
        """Give a file that is on disk its name; `new` is its provisional path, None when it has none."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._name_it(path, fd, new)
                return
            except FileNotFoundError:  # its folder was just left empty by another thread, and went
                if attempt == _ATTEMPTS:
                    raise

    def _name_it(self, path: str, fd: int, new: str | None) -> None:
        size_bytes = os.fstat(fd).st_size
        try:
            replaced = os.stat(path).st_size
        except FileNotFoundError:
            replaced = None
            self._make_folder(os.path.dirname(path))
        folder = os.open(os.path.dirname(path), os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _CLOEXEC)
        try:
            if new is None and replaced is None:
                _link(fd, os.path.basename(path), folder)
            else:
                if new is None:
                    new = self._provisional()
                    _link(fd, new, folder)
                os.replace(new, path)
            os.fsync(folder)
        finally:
            os.close(folder)
        self._grow(size_bytes - (replaced or 0))

    def _provisional(self) -> str:
        return os.path.join(self._root, _NEW, secrets.token_hex(8))

    def _make_folder(self, folder: str) -> None:
        if os.path.isdir(folder):
            return
        self._make_folder(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        parent = os.open(os.path.dirname(folder), os.O_RDONLY | _CLOEXEC)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def _drop_empty(self, folder: str) -> None:
        while folder != self._root:
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)

    def _drop_leftovers(self, older_than_seconds: float) -> None:
        latest = time.time() - older_than_seconds
        for entry in os.scandir(os.path.join(self._root, _NEW)):
            with contextlib.suppress(OSError):
                if not older_than_seconds or entry.stat().st_mtime < latest:
                    os.unlink(entry.path)

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for folder, folders, files in os.walk(self._root):
            if folder == self._root:
                folders[:] = [f for f in folders if f != _NEW]
            for file in files:
                path = os.path.join(folder, file)
                with contextlib.suppress(FileNotFoundError):
                    about = os.stat(path, follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        yield path, about

    def _grow(self, size_bytes: int) -> None:
        with self._growing:
            if self._size_bytes is not None:
                self._size_bytes += size_bytes


class NewFile(NewBlob):
    """A blob on its way into a folder: without a name, where the platform can, so that a crash leaves nothing."""

    def __init__(self, blobs: FolderBlobs, name: str) -> None:
        super().__init__(name)
        self._blobs = blobs
        self._size_bytes = 0
        self._new: str | None = None
        with disk_errors(blobs._root):
            if _LINKS_DESCRIPTORS:
                # Some file systems have no unnamed files (NFS, for one).
                with contextlib.suppress(OSError):
                    self._fd = os.open(blobs._root, os.O_RDWR | _UNNAMED | _CLOEXEC, 0o600)
            if self._fd is None:
                self._new = blobs._provisional()
                self._fd = os.open(self._new, os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC, 0o600)

    def write(self, data: Buffer) -> None:
        """Append."""
        self.write_all([data])

    def write_all(self, parts: Iterable[Buffer]) -> None:
        """Append all."""
        with self._aborting():
            self._size_bytes += write_all(self._open_fd(), parts)

    def copy_from(self, fd: int) -> None:
        """Append the whole content of a file."""
        with self._aborting():
            self._size_bytes += copy(fd, self._open_fd())

    def commit(self) -> BlobRef:
        """Give it its name; durable when it returns."""
        fd = self._open_fd()
        with self._aborting():
            _sync(fd)
            self._blobs._publish(self._blobs._path(self._name), fd, self._new)
        self._new = None
        self.abort()
        self.ref = BlobRef(self._name, self._size_bytes)
        return self.ref

    def abort(self) -> None:
        """Leave nothing behind; harmless when it is over already."""
        super().abort()
        if self._new is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._new)
            self._new = None

    @contextlib.contextmanager
    def _aborting(self) -> Iterator[None]:
        try:
            with disk_errors(self._blobs._root):
                yield
        except BaseException:
            self.abort()
            raise


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _link(fd: int, name: str, folder: int) -> None:
    # With a folder's descriptor, because only then Python asks the kernel to follow /proc's symbolic link.
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder, follow_symlinks=True)
