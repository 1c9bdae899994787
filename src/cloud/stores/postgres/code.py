"""Code versions: contents of files by digest, and which files make a version."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cloud.model import BlobRef, Code, CodeFile, Piece
from cloud.stores.connection import microseconds
from cloud.stores.postgres.accounts import Accounts
from cloud.stores.queries import Queries

SQL = Queries("code.sql", __package__)


class CodeVersions(Accounts):
    """Local modules that travelled with jobs (DESIGN D13)."""

    def missing_code(self, digests: Sequence[str]) -> list[str]:
        """Those whose content is not here."""
        return [digest for (digest,) in self._read(SQL.missing_files, (list(digests),))] if digests else []

    def put_code(self, contents: Mapping[str, Piece], at: datetime) -> None:
        """Contents by digest; repeated, only the time is noted."""
        for digest, piece in contents.items():
            if isinstance(piece, BlobRef):
                self._write(SQL.put_file, (digest, None, piece.name, piece.size_bytes, microseconds(at)))
            else:
                self._write(SQL.put_file, (digest, piece, None, len(piece), microseconds(at)))

    def add_code(self, version: str, files: Sequence[CodeFile], at: datetime) -> None:
        """A version whose contents are all here; repeated, only the time is noted."""
        self._write(SQL.put_version, (version, microseconds(at)))
        columns = [f.path for f in files], [f.digest for f in files], [f.executable for f in files]
        self._write(SQL.put_members, (version, *columns))

    def has_code(self, version: str) -> bool:
        """Whether submissions may refer to it."""
        return bool(self._first(SQL.has_version, (version,))[0])

    def code(self, version: str) -> Code | None:
        """The version with its contents."""
        known, rows = self._reads((SQL.has_version, (version,)), (SQL.files_of, (version,)))
        if not known[0][0]:
            return None
        return Code(version, tuple(
            (CodeFile(path, digest, size, x), BlobRef(blob, size) if blob is not None else packed or b"")
            for path, digest, size, x, packed, blob in rows
        ))  # fmt: skip

    def drop_unused_code(self, before: datetime, limit: int) -> list[str]:
        """Forget versions that no submission refers to and contents that no version has, `limit` of each at most,
        if they were put before this moment. Returns names of blobs as `delete` does."""
        gone = self._write_read(SQL.delete_unused_versions, (microseconds(before), limit))
        if gone:
            self._write(SQL.delete_members, ([version for (version,) in gone],))
        blobs = self._write_read(SQL.delete_unused_files, (microseconds(before), limit))
        self._forget_holders()
        return [blob for (blob,) in blobs if blob is not None]
