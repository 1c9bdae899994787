"""Files of `cloud.files`: names, digests and the pieces that hold the bytes."""

from collections.abc import Sequence
from datetime import datetime

from cloud.model import File, Piece
from cloud.stores.database import Database, Row
from cloud.stores.pieces import columns_of, piece_of
from cloud.stores.times import microseconds, moment


class Files(Database):
    """A file is put piece by piece under a token, and has its name when all of it is there."""

    def upload(self, account: int, token: str, at: datetime) -> File:
        """The file that is, or was, put under this token; begun when there is none."""
        row = self._first(self._sql.file_by_token, (account, token))
        if row is None:
            (row,) = self._write_read(self._sql.add_file, (account, token, microseconds(at)))
        elif row[1] is None:
            self._write(self._sql.note_upload, (microseconds(at), row[0]))
        return _file(row)

    def add_file_piece(self, fid: int, start: int, piece: Piece) -> None:
        """Bytes of a file from `start` on; ignored when a piece that starts there is there already."""
        packed, blob, size_bytes = columns_of(piece)
        self._write(self._sql.add_file_piece, (fid, start, size_bytes, blob, packed))

    def file_extents(self, fid: int) -> list[tuple[int, int]]:
        """(start, bytes) of every piece, ascending."""
        return [(start, size) for start, size in self._read(self._sql.file_extents, (fid,))]

    def name_file(self, account: int, fid: int, name: str, size_bytes: int, md5: str, at: datetime) -> list[str]:
        """Complete a file. One that had this name is forgotten; returns its blobs as `delete` does."""
        before = self._first(self._sql.file_by_name, (account, name))
        blobs = [] if before is None else self.delete_file(before[0])
        self._write(self._sql.name_file, (name, size_bytes, md5, microseconds(at), fid))
        return blobs

    def find_file(self, account: int, name: str) -> File | None:
        """The file of this name."""
        row = self._first(self._sql.file_by_name, (account, name))
        return None if row is None else _file(row)

    def list_files(self, account: int, prefix: str, after: str, limit: int) -> list[File]:
        """Files whose names begin with `prefix` and come behind `after`, by code points."""
        return [_file(row) for row in self._read(self._sql.files_after, (account, after, prefix, limit))]

    def has_file(self, account: int, fid: int) -> bool:
        """Whether this version of a file is there, complete."""
        return bool(self._first(self._sql.has_file, (account, fid))[0])

    def file_piece(self, account: int, fid: int, at: int) -> tuple[int, Piece] | None:
        """The piece with byte `at`, and which byte is its first; None when the file does not go so far."""
        row = self._first(self._sql.file_piece, (account, fid, at))
        if row is None or at >= row[0] + row[1]:
            return None
        start, size_bytes, blob, packed = row
        return start, piece_of(packed, blob, size_bytes)

    def delete_file(self, fid: int) -> list[str]:
        """Forget a file, complete or not; returns names of its blobs as `delete` does."""
        blobs = self._write_read(self._sql.delete_file_pieces, (fid,))
        self._write(self._sql.delete_file, (fid,))
        return [blob for (blob,) in blobs if blob is not None]

    def silent_uploads(self, silent_since: datetime, limit: int) -> Sequence[int]:
        """Fids of incomplete files without a sign of life since then."""
        return [fid for (fid,) in self._read(self._sql.silent_uploads, (microseconds(silent_since), limit))]

    def file_bytes(self) -> int:
        """Bytes of files that are in blobs."""
        return int(self._first(self._sql.file_bytes)[0])


def _file(row: Row) -> File:
    fid, name, size_bytes, md5, put_at = row
    return File(fid, name or "", size_bytes, md5, moment(put_at))
