"""`FilesApi` calls and their answers as messages, by the rules of `wire.calls`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cloud.api import FilePiece
from cloud.model import File
from cloud.wire.calls import NOTHING_STORED, Parts, Stored, answer_of, ok
from cloud.wire.message import Header, encode

CHANGES = frozenset({"put_piece", "put_file", "delete_file"})
QUESTIONS = frozenset({"find_file", "read_file", "list_files"})


def put_piece(token: str, piece: FilePiece) -> Parts:
    """Request: the frame is the bytes."""
    return encode({"op": "put_piece", "token": token, "piece": [piece.start, piece.md5]}, [piece.data])


def put_file(token: str, name: str, size_bytes: int, md5: str, last: FilePiece | None) -> Parts:
    """Request: the frame is the last piece, if it comes along."""
    header: Header = {"op": "put_file", "token": token, "name": name, "size_bytes": size_bytes, "md5": md5}
    if last is None:
        return encode(header)
    return encode({**header, "piece": [last.start, last.md5]}, [last.data])


def read_piece(header: Header, frames: Sequence[memoryview], stored: Stored = NOTHING_STORED) -> FilePiece | None:
    """The piece in one of these requests."""
    if "piece" not in header:
        return None
    start, md5 = header["piece"]
    return FilePiece(int(start), frames[0], str(md5), stored.get(0))


def file(answer: File) -> Parts:
    """Answer to `put_file` and `find_file`."""
    return ok(_plain(answer))


def read_file(header: Header) -> File:
    """The reverse of `file`."""
    return _rich(answer_of(header))


def listed(answer: Sequence[File]) -> Parts:
    """Answer to `list_files`."""
    return ok([_plain(item) for item in answer])


def read_listed(header: Header) -> list[File]:
    """The reverse of `listed`."""
    return [_rich(row) for row in answer_of(header)]


def _plain(item: File) -> list[Any]:
    return [item.fid, item.name, item.size_bytes, item.md5, item.put_at.timestamp()]


def _rich(row: Sequence[Any]) -> File:
    fid, name, size_bytes, md5, put_at = row
    return File(fid, name, size_bytes, md5, datetime.fromtimestamp(put_at, UTC))
