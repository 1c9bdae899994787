"""Getting a file: a piece at a time, checked against its digest."""

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from typing import Any

from cloud.api import MAX_PIECE_BYTES, FilesApi
from cloud.client.terse import terse
from cloud.client.upload import md5_of
from cloud.errors import FileDamaged, FileNotFound
from cloud.model import Buffer, File

READ_AHEAD_BYTES = 1 << 20
TRIES = 3
"""How often `fetch` begins, when the file is replaced meanwhile or arrives damaged."""


@terse
class FileReader(io.BufferedReader):
    """A stored file, open for reading: `read`, `readline`, iteration, `seek`, `tell`, `close`, `with`.

    It stays what it was when it was opened. Reading it from its first byte to its last checks its digest.

    Raises:
        FileNotFound: while reading: it was deleted or replaced in the meantime.
        FileDamaged: at the end: the bytes do not have its MD5.
    """

    def __init__(self, api: FilesApi, file: File, start: int = 0, end: int | None = None) -> None:
        self.about = file
        self._stretch = _Stretch(api, file, start, end)
        super().__init__(self._stretch, READ_AHEAD_BYTES)  # type: ignore[arg-type, unused-ignore]

    @property
    def name(self) -> str:
        """Of the stored file."""
        return self.about.name

    @property
    def md5(self) -> str:
        """Of the whole file, hexadecimal."""
        return self.about.md5

    def filesize(self) -> int:
        """Bytes of the whole file."""
        return self.about.size_bytes

    def end(self) -> int:
        """Bytes that can be read here: fewer than `filesize()` if only a part was asked for."""
        return len(self._stretch)


class _Stretch(io.RawIOBase):
    """Some or all bytes of a file, by position."""

    def __init__(self, api: FilesApi, file: File, start: int, end: int | None) -> None:
        self._api = api
        self._file = file
        self._first, self._stop = stretch(file.size_bytes, start, end)
        self._at = self._first
        self._digest: Any = md5_of() if (self._first, self._stop) == (0, file.size_bytes) else None
        """Of everything so far, as long as it is read from the beginning and without gaps."""

    def __len__(self) -> int:
        return self._stop - self._first

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer).cast("B") as view:
            wanted = min(len(view), self._stop - self._at, MAX_PIECE_BYTES)
            if wanted <= 0:
                return 0
            data = _read(self._api, self._file, self._at, wanted)
            view[: len(data)] = data
        self._at += len(data)
        if self._digest is not None:
            self._digest.update(data)
            if self._at == self._stop:
                check(self._file, self._digest.hexdigest())
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: self._first, os.SEEK_CUR: self._at, os.SEEK_END: self._stop}[whence]
        if origin + offset < self._first:
            raise ValueError(f"cannot seek before the beginning, to {origin + offset - self._first}")
        if self._at != origin + offset:
            self._at = origin + offset
            self._digest = None
        return self._at - self._first

    def tell(self) -> int:
        return self._at - self._first


def stretch(size_bytes: int, start: Any, end: Any) -> tuple[int, int]:
    """Bytes start..end-1 of a file, cut to what there is; `end` None: to its end.

    Raises:
        TypeError, ValueError: they are not numbers of bytes.
    """
    for word, value in (("start_byte", start), ("end_byte", end)):
        if value is None and word == "end_byte":
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{word} must be a whole number, not {value!r:.80}")
        if value < 0:
            raise ValueError(f"{word} is {value}; bytes count from 0, and end_byte is the first that is left out")
    start = min(start, size_bytes)
    return start, max(start, min(size_bytes, size_bytes if end is None else end))


def fetch(api: FilesApi, name: str, destination: str, start: int = 0, end: int | None = None) -> File:
    """Write a stored file, or a stretch of it, to a local path, which has all of it or is left as it was.

    Raises:
        FileNotFound: there is no such file.
        FileDamaged: it arrived damaged, or was replaced, each of several times.
        OSError: it cannot be written.
    """
    folder = os.path.dirname(destination)
    if folder:
        os.makedirs(folder, exist_ok=True)
    new = f"{destination}.{secrets.token_hex(4)}.part"
    try:
        for left in reversed(range(TRIES)):
            file = api.find_file(name)
            try:
                _write(new, _bytes(api, file, start, end))
                break
            except (FileNotFound, FileDamaged):
                if not left:
                    raise
        _keep_mode(destination, new)
        os.replace(new, destination)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)
    return file


def md5_of_local(path: str) -> str:
    """Of a local file, hexadecimal."""
    digest = md5_of()
    with open(path, "rb", buffering=0) as file:
        while data := file.read(READ_AHEAD_BYTES):
            digest.update(data)
    return digest.hexdigest()


def check(file: File, md5: str) -> None:
    """Raises:
    FileDamaged: this is not the digest that was stored with the file.
    """
    if md5 != file.md5:
        raise FileDamaged(f"the file {file.name!r} arrived damaged: its MD5 is {md5}, it was stored with {file.md5}")


def _bytes(api: FilesApi, file: File, start: int, end: int | None) -> Iterator[Buffer]:
    at, stop = stretch(file.size_bytes, start, end)
    digest = md5_of() if (at, stop) == (0, file.size_bytes) else None
    while at < stop:
        data = _read(api, file, at, min(MAX_PIECE_BYTES, stop - at))
        if digest is not None:
            digest.update(data)
        yield data
        at += len(data)
    if digest is not None:
        check(file, digest.hexdigest())


def _read(api: FilesApi, file: File, start: int, size_bytes: int) -> Buffer:
    try:
        data = api.read_file(file.fid, start, size_bytes)
    except FileNotFound:
        raise FileNotFound(
            f"the file {file.name!r} was deleted or replaced while it was being read", hint="read it again"
        ) from None
    if not data:
        raise FileDamaged(f"the file {file.name!r} ends at byte {start}; it was stored with {file.size_bytes}")
    return data


def _write(path: str, parts: Iterator[Buffer]) -> None:
    with open(path, "wb", buffering=0) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]


def _keep_mode(destination: str, new: str) -> None:
    """A file that is replaced keeps its mode."""
    with contextlib.suppress(OSError):
        os.chmod(new, os.stat(destination).st_mode & 0o7777)
