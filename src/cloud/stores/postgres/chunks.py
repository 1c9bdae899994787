"""Packed arguments and functions: bytes that are at hand or in a blob."""

import json
from datetime import datetime

from cloud.model import Chunk, Piece
from cloud.stores.chunks import _columns, _piece
from cloud.stores.connection import microseconds
from cloud.stores.postgres.submissions import SQL, Submissions
from cloud.wire.values import ranges_from_json, ranges_to_json

_HELD = 64
"""How many small functions are held in memory."""


class Chunks(Submissions):
    """What jobs are run with."""

    def __init__(self, url: str) -> None:
        self._functions: dict[str, bytes] = {}
        super().__init__(url)

    def _reload(self) -> None:
        super()._reload()
        self._functions.clear()

    def add_chunk(self, sid: int, chunk: Chunk, at: datetime) -> None:
        """Arguments of jobs first..first+count-1; ignored when a chunk with this `first` is there already.
        Also remembers `at` as the last sign of life of an unsealed submission."""
        packed, blob, size_bytes = _columns(chunk.packed)
        picks = json.dumps(ranges_to_json(chunk.picks)) if chunk.picks else None
        self._write_apart(SQL.insert_chunk, (sid, chunk.first, chunk.count, size_bytes, blob, packed, picks))
        made = self._unwritten.get(sid)
        if made is None or made[0].created_at != at:
            self._write(SQL.sign_of_life, (microseconds(at), sid))

    def chunk_extents(self, sid: int) -> list[tuple[int, int]]:
        """(first, count) of every chunk, ascending: the seal is checked with it."""
        return self._read(SQL.chunk_extents, (sid,))

    def chunks(self, sid: int, lo: int, hi: int) -> list[Chunk]:
        """The chunks that cover jobs lo..hi-1, ascending."""
        rows = self._read(SQL.chunks, {"sid": sid, "lo": lo, "hi": hi})
        return [
            Chunk(first, count, _piece(packed, blob, size_bytes), ranges_from_json(json.loads(picks)) if picks else ())
            for first, count, size_bytes, blob, packed, picks in rows
            if first + count > lo
        ]

    def add_function(self, digest: str, function: Piece) -> None:
        """Once per digest; repeated, ignored."""
        packed, blob, size_bytes = _columns(function)
        self._write_apart(SQL.insert_function, (digest, packed, blob, size_bytes))

    def function(self, digest: str) -> Piece | None:
        """The pickled function with this digest."""
        held = self._functions.get(digest)
        if held is not None:
            return held
        row = self._first(SQL.function, (digest,))
        if row is None:
            return None
        piece = _piece(*row)
        if isinstance(piece, bytes):
            if len(self._functions) >= _HELD:
                self._functions.clear()
            self._functions[digest] = piece
        return piece
