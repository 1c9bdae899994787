"""Whole bodies of files to and from the core, which takes and gives them in pieces."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

from cloud import errors
from cloud.api import MAX_PIECE_BYTES, FilePiece
from cloud.model import File, wrong_with
from cloud.server.calls import Calls
from cloud.server.gate import Caller
from cloud.wire import calls as wire_calls
from cloud.wire import files as wire_files
from cloud.wire.message import decode

_PIECE_BYTES = 1 << 20


class FileBodies:
    """Files of whoever asks, with memory for a few pieces only."""

    def __init__(self, asked: Calls) -> None:
        self._asked = asked

    async def names(self, prefix: str, after: str, limit: int, caller: Caller) -> list[File]:
        """As `FilesApi.list_files`."""
        header, _ = await self._ask(wire_calls.ask("list_files", None, prefix=prefix, after=after, limit=limit), caller)
        return wire_files.read_listed(header)

    async def find(self, name: str, caller: Caller) -> File:
        """As `FilesApi.find_file`."""
        header, _ = await self._ask(wire_calls.ask("find_file", None, name=name), caller)
        return wire_files.read_file(header)

    async def delete(self, name: str, caller: Caller) -> None:
        """As `FilesApi.delete_file`."""
        await self._ask(wire_calls.ask("delete_file", None, name=name), caller)

    async def take(self, name: str, body: AsyncIterator[bytes], caller: Caller) -> File:
        """Put a file of this content; one that had the name is replaced when all of it is here.

        Raises:
            InvalidSubmission: that cannot be a name.
        """
        wrong = wrong_with(name)
        if wrong is not None:
            raise errors.InvalidSubmission(wrong)
        token, whole, start = secrets.token_hex(16), _md5(), 0
        held = bytearray()
        async for data in body:
            whole.update(data)
            held += data
            while len(held) > MAX_PIECE_BYTES:
                first = bytes(held[:MAX_PIECE_BYTES])
                del held[:MAX_PIECE_BYTES]
                piece = FilePiece(start, first, _md5(first).hexdigest())
                await self._ask(wire_files.put_piece(token, piece), caller)
                start += len(first)
        last = FilePiece(start, held, _md5(held).hexdigest()) if held else None
        message = wire_files.put_file(token, name, start + len(held), whole.hexdigest(), last)
        header, _ = await self._ask(message, caller)
        return wire_files.read_file(header)

    async def send(self, file: File, start: int, stop: int, caller: Caller) -> AsyncIterator[bytes]:
        """A file that is replaced meanwhile breaks the connection off: what was sent cannot be taken back."""
        while start < stop:
            wanted = min(_PIECE_BYTES, stop - start)
            message = wire_calls.ask("read_file", None, fid=file.fid, start=start, size_bytes=wanted)
            _, frames = await self._ask(message, caller)
            data = bytes(frames[0])
            if not data:
                raise errors.FileNotFound(f"the file {file.name!r} ends at byte {start}")
            yield data
            start += len(data)

    async def _ask(self, parts: wire_calls.Parts, caller: Caller) -> tuple[dict[str, Any], list[memoryview]]:
        answer = await self._asked.ask(b"".join(parts), caller)
        assert answer is not None
        header, frames = decode(b"".join(answer))
        wire_calls.answer_of(header)
        return header, frames


def _md5(data: bytes | bytearray = b"") -> Any:
    return hashlib.md5(data, usedforsecurity=False)
