"""Calls of `FilesApi` that arrive as messages, for the door."""

from collections.abc import Callable
from functools import partial

from cloud.dispatch.files import Files
from cloud.errors import InvalidSubmission
from cloud.model import Buffer
from cloud.wire import calls
from cloud.wire import files as wire
from cloud.wire.message import Header


def file_change(
    op: str,
    header: Header,
    frames: list[memoryview],
    files: Callable[[], Files],
    stored: calls.Stored = calls.NOTHING_STORED,
) -> Callable[[], list[Buffer]] | None:
    """What carries out a change and answers it; None when `op` is none of these."""
    if op not in wire.CHANGES:
        return None
    if op == "delete_file":
        return partial(_done, files().delete_file, str(header["name"]))
    piece = wire.read_piece(header, frames, stored)
    if op == "put_piece":
        if piece is None:
            raise InvalidSubmission("the piece is missing")
        return partial(_done, files().put_piece, str(header["token"]), piece)
    arguments = str(header["token"]), str(header["name"]), int(header["size_bytes"]), str(header["md5"]), piece
    return lambda: wire.file(files().put_file(*arguments))


def file_answer(op: str, header: Header, files: Callable[[], Files]) -> list[Buffer] | None:
    """The answer to a question; None when `op` is none of these."""
    if op == "find_file":
        return wire.file(files().find_file(str(header["name"])))
    if op == "list_files":
        found = files().list_files(str(header["prefix"]), str(header["after"]), int(header["limit"]))
        return wire.listed(found)
    return None


def file_reading(op: str, header: Header, files: Callable[[], Files]) -> Callable[[], list[Buffer]] | None:
    """What reads bytes of a file and answers with them; None when `op` is not for that."""
    if op != "read_file":
        return None
    read = files().reading(int(header["fid"]), int(header["start"]), int(header["size_bytes"]))
    return lambda: calls.ok(None, [read()])


def _done(change: Callable[..., None], *arguments: object) -> list[Buffer]:
    change(*arguments)
    return calls.ok()
