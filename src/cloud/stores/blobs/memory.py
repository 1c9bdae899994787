"""Blobs in memory: large ones as anonymous files that other processes can map, small ones as bytes."""

import contextlib
import errno
import mmap
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cloud.model import BlobRef, Buffer
from cloud.stores.blobs.naming import checked
from cloud.stores.blobs.writing import NewBlob, copy, disk_errors, write_all

_FILE_BYTES = 1 << 20
"""From this size on a blob is a file; below, copying costs less than a descriptor."""
_MOST_FILES = 256
"""This process is the user's: of its descriptors, commonly 1024, most stay free. Beyond, blobs are bytes."""


@dataclass(slots=True)
class _Held:
    data: "bytes | int"
    """The bytes, or the descriptor of a file with them."""
    size_bytes: int
    written_at: float
    """`time.monotonic()`."""


class MemoryBlobs:
    """Gone with the process."""

    far = False
    place = ""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._files = 0
        self._size_bytes = 0

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """Hold a copy."""
        with self.create(name) as new:
            for part in parts:
                new.write(part)
        return new.ref

    def create(self, name: str) -> "NewBytes":
        """A writer for bytes that arrive bit by bit; see `BlobWriter`."""
        return NewBytes(self, checked(name))

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Take over the content of an open file: a large one without copying."""
        checked(name)
        size_bytes = os.fstat(fd).st_size
        if size_bytes >= _FILE_BYTES and self._files < _MOST_FILES:
            return self._hold(name, os.dup(fd), size_bytes)
        data = os.pread(fd, size_bytes, 0)
        while len(data) < size_bytes and (more := os.pread(fd, size_bytes - len(data), len(data))):
            data += more
        return self._hold(name, data, len(data))

    def spool(self) -> str | None:
        """None: memory files."""
        return None

    def open(self, name: str) -> int:
        """A new file descriptor on its bytes; the caller closes it. FileNotFoundError when there is none."""
        held = self._get(name)
        if isinstance(held.data, int):
            with contextlib.suppress(OSError):
                return os.open(f"/proc/self/fd/{held.data}", os.O_RDONLY | os.O_CLOEXEC)
            return os.dup(held.data)
        fd = _anonymous_file()
        try:
            with disk_errors("memory"):
                write_all(fd, [held.data])
            os.lseek(fd, 0, os.SEEK_SET)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def read(self, name: str) -> Buffer:
        """Its bytes, privately mapped or copied: writable."""
        held = self._get(name)
        if isinstance(held.data, int):
            return memoryview(mmap.mmap(held.data, held.size_bytes, access=mmap.ACCESS_COPY))
        return bytearray(held.data)

    def find(self, name: str, younger_than_seconds: float) -> BlobRef | None:
        """See `Blobs.find`."""
        held = self._held.get(checked(name))
        if held is None or held.written_at <= time.monotonic() - younger_than_seconds:
            return None
        return BlobRef(name, held.size_bytes)

    def link(self, name: str, method: Literal["GET", "PUT"], seconds: float) -> str | None:
        """None: nobody else sees this memory."""
        return None

    def delete(self, names: Iterable[str]) -> None:
        """Missing ones are skipped."""
        for name in names:
            held = self._held.pop(checked(name), None)
            if held is not None:
                self._let_go(held)

    def names(self, older_than_seconds: float = 0.0) -> Iterator[str]:
        """All names, or those written at least so long ago."""
        latest = time.monotonic() - older_than_seconds
        return iter([n for n, held in self._held.items() if older_than_seconds <= 0 or held.written_at <= latest])

    def size_bytes(self) -> int:
        """Bytes of all blobs."""
        return self._size_bytes

    def close(self) -> None:
        """Forget everything."""
        self.delete(list(self._held))

    def _get(self, name: str) -> _Held:
        held = self._held.get(checked(name))
        if held is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such blob", name)
        return held

    def _hold(self, name: str, data: bytes | int, size_bytes: int) -> BlobRef:
        self.delete([name])
        self._held[name] = _Held(data, size_bytes, time.monotonic())
        self._size_bytes += size_bytes
        self._files += isinstance(data, int)
        return BlobRef(name, size_bytes)

    def _let_go(self, held: _Held) -> None:
        self._size_bytes -= held.size_bytes
        if isinstance(held.data, int):
            self._files -= 1
            os.close(held.data)


class NewBytes(NewBlob):
    """A blob on its way into memory; becomes a file as soon as it is large."""

    def __init__(self, blobs: MemoryBlobs, name: str) -> None:
        super().__init__(name)
        self._blobs = blobs
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def write(self, data: Buffer) -> None:
        """Append a copy."""
        self._must_be_open()
        size_bytes = data.nbytes if isinstance(data, memoryview) else len(data)
        self._size_bytes += size_bytes
        if self._fd is None and (self._size_bytes < _FILE_BYTES or self._blobs._files >= _MOST_FILES):
            self._parts.append(bytes(data))
            return
        try:
            with disk_errors("memory"):
                if self._fd is None:
                    self._fd = _anonymous_file()
                    write_all(self._fd, self._parts)
                    self._parts.clear()
                write_all(self._fd, [data])
        except BaseException:
            self.abort()
            raise

    def copy_from(self, fd: int) -> None:
        """Append the whole content of a file."""
        if self._fd is not None:
            self._size_bytes += copy(fd, self._fd)
        else:
            with mmap.mmap(fd, os.fstat(fd).st_size, access=mmap.ACCESS_READ) as view:
                self.write(view[:])

    def commit(self) -> BlobRef:
        """Hold it under its name."""
        self._must_be_open()
        data = b"".join(self._parts) if self._fd is None else self._fd
        self._fd, self._over = None, True
        self.ref = self._blobs._hold(self._name, data, self._size_bytes)
        return self.ref

    def abort(self) -> None:
        """Leave nothing behind; harmless when it is over already."""
        super().abort()
        self._parts.clear()


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picloud-blob", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
