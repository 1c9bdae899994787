"""Code versions: contents of files by digest, and which files make a version."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cloud.model import BlobRef, Code, CodeFile, Piece
from cloud.stores.accounts import Accounts
from cloud.stores.connection import Row, microseconds
from cloud.stores.queries import Queries

SQL = Queries("code.sql")


class CodeVersions(Accounts):
    """Local modules that travelled with jobs (DESIGN D13)."""

    def missing_code(self, digests: Sequence[str]) -> list[str]:
        """Those whose content is not here."""
        return [digest for digest in digests if not self._first(SQL.has_file, (digest,))[0]]

    def put_code(self, contents: Mapping[str, Piece], at: datetime) -> None:
        """Contents by digest; repeated, only the time is noted."""
        for digest, piece in contents.items():
            row: Row
            if isinstance(piece, BlobRef):
                row = (digest, None, piece.name, piece.size_bytes, microseconds(at))
            else:
                row = (digest, piece, None, len(piece), microseconds(at))
            self._write(SQL.put_file, row)

    def add_code(self, version: str, files: Sequence[CodeFile], at: datetime) -> None:
        """A version whose contents are all here; repeated, only the time is noted."""
        self._write(SQL.put_version, (version, microseconds(at)))
        self._write_many(SQL.put_member, [(version, f.path, f.digest, int(f.executable)) for f in files])

    def has_code(self, version: str) -> bool:
        """Whether submissions may refer to it."""
        return bool(self._first(SQL.has_version, (version,))[0])

    def code(self, version: str) -> Code | None:
        """The version with its contents."""
        if not self.has_code(version):
            return None
        return Code(version, tuple(
            (CodeFile(path, digest, size, bool(x)), BlobRef(blob, size) if blob is not None else packed or b"")
            for path, digest, size, x, packed, blob in self._read(SQL.files_of, (version,))
        ))  # fmt: skip

    def drop_unused_code(self, before: datetime, limit: int) -> list[str]:
        """Forget versions that no submission refers to and contents that no version has, `limit` of each at most,
        if they were put before this moment. Returns names of blobs as `delete` does."""
        self._flush()
        for (version,) in self._read(SQL.unused_versions, (microseconds(before), limit)):
            self._write(SQL.delete_version, (version,))
            self._write(SQL.delete_members, (version,))
        blobs = []
        for digest, blob in self._read(SQL.unused_files, (microseconds(before), limit)):
            self._write(SQL.delete_file, (digest,))
            if blob is not None:
                blobs.append(blob)
        self._forget_holders(limit)
        return blobs
