"""Putting a file: read, digested and sent a piece at a time."""

import hashlib
import secrets
from collections.abc import Iterator
from typing import IO, Any

from cloud.api import MAX_PIECE_BYTES, FilePiece, FilesApi
from cloud.model import Buffer, File, wrong_with

Source = bytes | bytearray | memoryview | str | IO[bytes] | IO[str]


def checked_name(name: Any, where: str) -> str:
    """The name, when a file can have it.

    Raises:
        TypeError: it is not text.
        ValueError: it cannot be a name; the message says which name and why.
    """
    wrong = wrong_with(name)
    if wrong is None:
        return str(name)
    if not isinstance(name, str):
        raise TypeError(f"{where}: {wrong}")
    raise ValueError(f"{where}: {wrong}")


def put(api: FilesApi, source: Source, name: str) -> File:
    """Put bytes, text, or what is left of an open file under a name; replaces what had it once all has arrived."""
    token = secrets.token_hex(16)
    whole = md5_of()
    held: Buffer = b""
    start = 0
    for piece in _pieces(source):
        if held:
            api.put_piece(token, FilePiece(start, held, md5_of(held).hexdigest()))
            start += len(held)
        whole.update(piece)
        held = piece
    digest = whole.hexdigest()
    last = None
    if held:
        last = FilePiece(start, held, md5_of(held).hexdigest() if start else digest)
    return api.put_file(token, name, start + len(held), digest, last)


def md5_of(data: Buffer = b"") -> "hashlib._Hash":
    """MD5 of these bytes; more may follow. It tells versions apart and finds damage, and protects nothing."""
    return hashlib.md5(data, usedforsecurity=False)


def _pieces(source: Source) -> Iterator[Buffer]:
    if isinstance(source, str):
        source = source.encode()
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield from _slices(source)
        return
    while data := _read(source):
        yield from _slices(data)


def _slices(data: Buffer) -> Iterator[Buffer]:
    view = memoryview(data).cast("B")
    for start in range(0, len(view), MAX_PIECE_BYTES):
        yield view[start : start + MAX_PIECE_BYTES]


def _read(source: Any) -> bytes:
    """About as many bytes of an open file as one piece holds, unless it ends before: pipes give less at a time."""
    parts = []
    missing = MAX_PIECE_BYTES
    while missing > 0:
        data = source.read(missing)
        if isinstance(data, str):
            data = data.encode()
        if data is None:
            raise BlockingIOError("the file to put has nothing to read yet; open it in blocking mode")
        if not data:
            break
        parts.append(data)
        missing -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
