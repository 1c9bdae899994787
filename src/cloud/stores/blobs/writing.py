"""Blobs on their way in; bytes into file descriptors: whole, in few system calls, with a clear error when the disk is
full."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

from cloud.errors import StoreFull
from cloud.model import BlobRef, Buffer

_MOST_PARTS = 512
_MOST_BYTES = 8 << 20
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NewBlob(ABC):
    """A blob on its way in; a `with` block commits it at its end, unless something is raised."""

    ref: BlobRef
    """Set by `commit`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._over = False
        self._fd: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.abort()
        elif not self._over:
            self.commit()

    @abstractmethod
    def write(self, data: Buffer) -> None:
        """Append."""

    @abstractmethod
    def commit(self) -> BlobRef:
        """Give it its name; as durable as it will be when this returns."""

    def abort(self) -> None:
        """Leave nothing behind; harmless when it is over already."""
        self._over = True
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open_fd(self) -> int:
        self._must_be_open()
        assert self._fd is not None
        return self._fd

    def _must_be_open(self) -> None:
        if self._over:
            raise ValueError(f"blob {self._name} is written already, or was given up")


def write_all(fd: int, parts: Iterable[Buffer]) -> int:
    """Write all parts one after another; returns how many bytes that were."""
    total = 0
    batch: list[memoryview] = []
    size = 0
    for part in parts:
        view = memoryview(part).cast("B")
        batch.append(view)
        size += view.nbytes
        if size >= _MOST_BYTES or len(batch) >= _MOST_PARTS:
            _write(fd, batch, size)
            total += size
            batch, size = [], 0
    _write(fd, batch, size)
    return total + size


def _write(fd: int, views: list[memoryview], size: int) -> None:
    while size:
        if hasattr(os, "writev"):
            written = os.writev(fd, views)
        else:
            written = os.write(fd, views[0])
        size -= written
        while views and written >= views[0].nbytes:
            written -= views.pop(0).nbytes
        if written:
            views[0] = views[0][written:]


def copy(source: int, target: int) -> int:
    """Append the whole content of one file to another, inside the kernel where it can; returns its length."""
    size = os.fstat(source).st_size
    done = 0
    copy_range = getattr(os, "copy_file_range", None)
    while copy_range is not None and done < size:
        try:
            copied = copy_range(source, target, size - done, offset_src=done)
        except OSError as error:
            if error.errno in _NO_SPACE or done:
                raise
            break  # two kinds of file between which this kernel cannot copy
        if not copied:
            break
        done += copied
    while done < size:
        data = os.pread(source, min(_MOST_BYTES, size - done), done)
        if not data:
            break
        write_all(target, [data])
        done += len(data)
    return done


@contextmanager
def disk_errors(where: str) -> Iterator[None]:
    """Errors that mean a full disk become `StoreFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StoreFull(
                f"the disk is full: {where} cannot grow ({error.strerror})",
                hint="free space there, or delete finished jobs with cloud.delete; then try again",
                retry=True,
            ) from error
        raise
