"""Bodies of requests: small ones in memory, large ones in an unnamed file that is mapped, so that memory stays flat."""

import errno
import mmap
import os
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cloud.errors import InvalidSubmission, ProtocolMismatch, StoreFull
from cloud.model import Buffer
from cloud.wire.message import PREFIX, rest_of

IN_MEMORY_MAX_BYTES = 1 << 20
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Gone(Exception):
    """The client hung up in the middle of its request."""


class TooLarge(InvalidSubmission):
    """The request has more bytes than this server takes in one."""

    http_status = 413


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def read(self, length: int | None, *, folder: str | None, max_bytes: int) -> Buffer:
        """All of it: a whole `wire` message.

        Args:
            length: the Content-Length, None when there is none.
            folder: where large bodies are spooled; None: the platform's temporary folder.
            max_bytes: the most that is taken.

        Raises:
            Gone: the client hung up.
            ProtocolMismatch: it is not a message, or its length is not the body's; seen in the first bytes.
            TooLarge: longer than `max_bytes`.
            StoreFull: the disk is full.
        """
        if length is not None and length > max_bytes:
            raise TooLarge(f"a request of {length} bytes is more than this server's limit of {max_bytes}")
        piece = await self._next()
        if self._ended():
            return piece
        collected = _Collected(folder, max_bytes)
        try:
            collected.add(piece)
            while not self._ended():
                collected.add(await self._next())
            return collected.whole()
        finally:
            collected.close()

    async def discard(self, at_most: int) -> None:
        """Read what is left and forget it: a client that is still sending could not read our refusal."""
        seen = 0
        try:
            while not self._ended() and seen < at_most:
                seen += len(await self._next())
        except Gone:
            pass

    def _ended(self) -> bool:
        return not self._more

    async def _next(self) -> bytes:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self._more = False
            raise Gone
        self._more = bool(event.get("more_body"))
        piece: bytes = event.get("body", b"")
        return piece


class _Collected:
    """Bytes as they come in."""

    def __init__(self, folder: str | None, max_bytes: int) -> None:
        self._memory = bytearray()
        self._folder = folder
        self._max_bytes = max_bytes
        self._announced: int | None = None
        self._size = 0
        self._fd = -1

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._announced is None and self._size >= PREFIX.size:
            self._check_announced(piece)
        if self._size > min(self._max_bytes, self._announced or self._max_bytes):
            raise InvalidSubmission("the body goes on after the end of its message")
        if self._fd < 0:
            self._memory += piece
            if self._size > IN_MEMORY_MAX_BYTES:
                self._spool()
        else:
            self._write(piece)

    def whole(self) -> Buffer:
        if self._announced is not None and self._size != self._announced:
            raise ProtocolMismatch("the body ended before its message", retry=True)
        if self._fd < 0:
            return self._memory
        return memoryview(mmap.mmap(self._fd, self._size, access=mmap.ACCESS_COPY))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _check_announced(self, piece: bytes) -> None:
        start = bytes(self._memory[: PREFIX.size]) + piece[: PREFIX.size]
        self._announced = PREFIX.size + rest_of(start[: PREFIX.size])
        if self._announced > self._max_bytes:
            raise TooLarge(f"a message of {self._announced} bytes is more than this server's limit")

    def _spool(self) -> None:
        with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
            self._fd = os.dup(file.fileno())
        whole, self._memory = self._memory, bytearray()
        self._write(whole)

    def _write(self, piece: Buffer) -> None:
        try:
            left = memoryview(piece)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StoreFull(f"no room for a large request in {self._folder}: {error.strerror}") from None
            raise
