"""Packed arguments and functions: bytes that are at hand or in a blob."""

import json
from datetime import datetime

from cloud.model import Chunk, Piece
from cloud.stores.database import Location, Row
from cloud.stores.pieces import columns_of, piece_of
from cloud.stores.submissions import Submissions
from cloud.stores.times import microseconds
from cloud.wire.values import ranges_from_json, ranges_to_json

_encode = json.JSONEncoder(separators=(",", ":")).encode
_HELD = 64
"""How many small functions are held in memory."""


class Chunks(Submissions):
    """What jobs are run with."""

    def __init__(self, location: Location) -> None:
        self._functions: dict[str, bytes] = {}
        self._unwritten_chunks: list[Row] = []
        super().__init__(location)

    def _reload(self) -> None:
        super()._reload()
        self._functions.clear()
        self._unwritten_chunks.clear()

    def write_ahead(self) -> None:
        """Write submissions and chunks that were kept back."""
        super().write_ahead()
        if self._unwritten_chunks:
            rows, self._unwritten_chunks = self._unwritten_chunks, []
            for row in rows:
                self._write_apart(self._sql.insert_chunk, row)

    def add_chunk(self, sid: int, chunk: Chunk, at: datetime) -> None:
        """Arguments of jobs first..first+count-1; ignored when a chunk with this `first` is there already.
        Also remembers `at` as the last sign of life of an unsealed submission."""
        packed, blob, size_bytes = columns_of(chunk.packed)
        picks = _encode(ranges_to_json(chunk.picks)) if chunk.picks else None
        if not self._writing:
            self._begin_writing()
        self._unwritten_chunks.append((sid, chunk.first, chunk.count, size_bytes, blob, packed, picks))
        self._kept = True
        made = self._unwritten.get(sid)
        if made is None or made[0].created_at != at:
            self._write(self._sql.sign_of_life, (microseconds(at), sid))

    def chunk_extents(self, sid: int) -> list[tuple[int, int]]:
        """(first, count) of every chunk, ascending: the seal is checked with it."""
        return self._read(self._sql.chunk_extents, (sid,))

    def chunks(self, sid: int, lo: int, hi: int) -> list[Chunk]:
        """The chunks that cover jobs lo..hi-1, ascending."""
        return [
            Chunk(
                first, count, piece_of(packed, blob, size_bytes), ranges_from_json(json.loads(picks)) if picks else ()
            )
            for first, count, size_bytes, blob, packed, picks in self._read(self._sql.chunks, (sid, lo, hi))
            if first + count > lo
        ]

    def add_function(self, digest: str, function: Piece) -> None:
        """Once per digest; repeated, ignored."""
        packed, blob, size_bytes = columns_of(function)
        self._write_apart(self._sql.insert_function, (digest, packed, blob, size_bytes))

    def function(self, digest: str) -> Piece | None:
        """The pickled function with this digest."""
        held = self._functions.get(digest)
        if held is not None:
            return held
        row = self._first_apart(self._sql.function, (digest,))
        if row is None:
            return None
        piece = piece_of(*row)
        if isinstance(piece, bytes):
            if len(self._functions) >= _HELD:
                self._functions.clear()
            self._functions[digest] = piece
        return piece
