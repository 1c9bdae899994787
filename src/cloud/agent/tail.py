"""The end of a stream: its last 1,000 lines, at most 4 MiB, no line longer than 64 KiB."""

MAX_LINES = 1000
MAX_BYTES = 4 << 20
LINE_MAX_BYTES = 64 << 10
FOLLOWED_BYTES = 1 << 20
"""More than the last lines is kept, up to this, for those who follow and are not so quick."""
READ_MAX_BYTES = LINE_MAX_BYTES
"""Largest piece `add` takes: no line that lies within one piece is too long."""


class Written(bytes):
    """What is kept of a stream; `dropped` bytes were before it."""

    dropped = 0


class Tail:
    """Takes bytes in pieces, keeps what is to be kept in bounded memory and with bounded work per piece.

    Positions count the bytes that were kept at first, with the notes on lines that were cut; so what is behind a
    position never changes, and only what is before it is dropped.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._dropped = 0
        self._lines = 0
        self._line_bytes = 0
        """Of the unfinished last line, cut or not."""

    def add(self, piece: bytes) -> None:
        """At most `READ_MAX_BYTES`."""
        first = piece.find(b"\n")
        if first < 0:
            self._extend_line(piece)
        else:
            self._extend_line(piece[:first])
            self._end_line()
            self._kept += piece[first:]
            self._lines += piece.count(b"\n", first)
            self._line_bytes = len(piece) - 1 - piece.rfind(b"\n")
        if len(self._kept) > MAX_BYTES + (MAX_BYTES >> 2) or (
            self._lines > 4 * MAX_LINES and len(self._kept) > FOLLOWED_BYTES
        ):
            self._drop(self._excess())

    def __bool__(self) -> bool:
        return bool(self._kept)

    def take(self) -> Written:
        """What is kept, and begin anew."""
        self._drop(self._excess())
        whole = Written(self.peek())
        whole.dropped = self._dropped
        self._kept = bytearray()
        self._lines = self._line_bytes = self._dropped = 0
        return whole

    def since(self, start: int, max_bytes: int) -> tuple[int, bytes]:
        """What is kept from position `start` on, or from later if that was dropped: where it begins, and the bytes."""
        start = max(start, self._dropped)
        at = start - self._dropped
        return start, bytes(self._kept[at : at + max_bytes])

    def peek(self) -> bytes:
        """What is kept."""
        if not self._kept:
            return b""
        kept = bytes(self._kept[self._excess() :])
        return kept + self._note() if self._line_bytes > LINE_MAX_BYTES else kept

    def _extend_line(self, piece: bytes) -> None:
        room = LINE_MAX_BYTES - self._line_bytes
        if room > 0:
            self._kept += piece[:room]
        self._line_bytes += len(piece)

    def _end_line(self) -> None:
        if self._line_bytes > LINE_MAX_BYTES:
            self._kept += self._note()
        self._line_bytes = 0

    def _note(self) -> bytes:
        return b" [... %d bytes of this line left out]" % (self._line_bytes - LINE_MAX_BYTES)

    def _excess(self) -> int:
        """How many bytes at the beginning are more than is to be kept in the end."""
        kept, excess = self._kept, 0
        if self._lines >= MAX_LINES:
            position = len(kept)
            unfinished = 0 if kept.endswith(b"\n") else 1
            for _ in range(MAX_LINES + 1 - unfinished):
                position = kept.rfind(b"\n", 0, position)
                if position < 0:
                    break
            excess = position + 1
        if len(kept) - excess > MAX_BYTES:
            cut = kept.find(b"\n", len(kept) - MAX_BYTES - 1)
            excess = len(kept) - MAX_BYTES if cut < 0 else cut + 1
        return excess

    def _drop(self, size: int) -> None:
        if size:
            self._lines -= self._kept.count(b"\n", 0, size)
            del self._kept[:size]
            self._dropped += size
