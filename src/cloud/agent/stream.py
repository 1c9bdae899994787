"""One output pipe of one worker: live bytes in, cut at the end marks that the runner writes between jobs."""

import os
from collections import deque

from cloud.agent.tail import READ_MAX_BYTES, Tail, Written
from cloud.wire.ring import Ring
from cloud.wire.worker import MARK

READS_PER_POLL = 4
"""At most 256 KiB per pipe and poll, so that one loud job does not keep others from being served."""


class Stream:
    """See `runner.streams` for the marks. `taken` is the word by which the runner is told that bytes were taken which
    no mark follows yet; it is set before each read."""

    def __init__(self, fd: int, ring: Ring, taken: int, nonce: bytes) -> None:
        self.fd = fd
        self._words = ring.words
        self._taken = taken
        self._nonce = nonce
        self._tail = Tail()
        self._rest = b""
        """The last few bytes, which may be the beginning of a mark."""
        self._ended: deque[tuple[int, Written]] = deque()
        self.open = True

    def read(self, limit: int = READS_PER_POLL) -> None:
        """Take what is there, up to the bound."""
        for _ in range(limit):
            self._words[self._taken] = 1
            try:
                piece = os.read(self.fd, READ_MAX_BYTES - MARK.size)
            except BlockingIOError:
                break
            if not piece:
                self.open = False
                break
            self._cut(piece)
        self._words[self._taken] = 1 if self._rest or self._unmarked else 0

    def output_of(self, seq: int) -> Written | None:
        """What the job that marked with `seq` wrote; None while its mark has not come."""
        while self._ended and self._ended[0][0] < seq:
            self._ended.popleft()
        if self._ended and self._ended[0][0] == seq:
            return self._ended.popleft()[1]
        return None

    def so_far(self) -> bytes:
        """What was written since the last mark."""
        return self._tail.peek() + self._rest

    def since(self, start: int, max_bytes: int) -> tuple[int, bytes]:
        """What was written since the last mark, from a position on: where it begins, and the bytes. What may be the
        beginning of a mark is left out; it comes later if it is none."""
        return self._tail.since(start, max_bytes)

    def cut_off(self) -> Written:
        """What was written since the last mark, when no mark can come any more."""
        self._tail.add(self._rest)
        self._rest = b""
        return self._tail.take()

    @property
    def _unmarked(self) -> bool:
        return bool(self._tail)

    def _cut(self, piece: bytes) -> None:
        if self._rest:
            piece = self._rest + piece
            self._rest = b""
        while (at := piece.find(self._nonce)) >= 0 and at + MARK.size <= len(piece):
            self._add(piece[:at])
            _, seq = MARK.unpack_from(piece, at)
            self._ended.append((seq, self._tail.take()))
            piece = piece[at + MARK.size :]
        keep = len(piece) - at if at >= 0 else _overlap(piece, self._nonce)
        if keep:
            self._rest = piece[-keep:]
            piece = piece[:-keep]
        self._add(piece)

    def _add(self, piece: bytes) -> None:
        if piece:
            self._tail.add(piece)


def _overlap(piece: bytes, nonce: bytes) -> int:
    """How many bytes at the end of the piece are the beginning of the nonce."""
    for size in range(min(len(nonce) - 1, len(piece)), 0, -1):
        if piece.endswith(nonce[:size]):
            return size
    return 0
