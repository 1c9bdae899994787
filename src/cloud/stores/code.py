"""Code versions: contents of files by digest, and which files make a version."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cloud.model import Code, CodeFile, Piece
from cloud.stores.accounts import Accounts
from cloud.stores.pieces import columns_of, piece_of
from cloud.stores.times import microseconds


class CodeVersions(Accounts):
    """Local modules that travelled with jobs (DESIGN D13)."""

    def missing_code(self, digests: Sequence[str]) -> list[str]:
        """Those whose content is not here."""
        return [digest for (digest,) in self._read_many(self._sql.missing_code_files, digests)]

    def put_code(self, contents: Mapping[str, Piece], at: datetime) -> None:
        """Contents by digest; repeated, only the time is noted."""
        for digest, piece in contents.items():
            self._write(self._sql.put_code_file, (digest, *columns_of(piece), microseconds(at)))

    def add_code(self, version: str, files: Sequence[CodeFile], at: datetime) -> None:
        """A version whose contents are all here; repeated, only the time is noted."""
        self._write(self._sql.put_code_version, (version, microseconds(at)))
        rows = [(version, f.path, f.digest, f.executable) for f in files]
        self._write_many(self._sql.put_code_members, rows)

    def has_code(self, version: str) -> bool:
        """Whether submissions may refer to it."""
        return bool(self._first(self._sql.has_code, (version,))[0])

    def code(self, version: str) -> Code | None:
        """The version with its contents."""
        known, rows = self._reads((self._sql.has_code, (version,)), (self._sql.code_files_of, (version,)))
        if not known[0][0]:
            return None
        return Code(version, tuple(
            (CodeFile(path, digest, size_bytes, bool(executable)), piece_of(packed, blob, size_bytes))
            for path, digest, size_bytes, executable, packed, blob in rows
        ))  # fmt: skip

    def drop_unused_code(self, before: datetime, limit: int) -> list[str]:
        """Forget versions that no submission refers to and contents that no version has, `limit` of each at most,
        if they were put before this moment. Returns names of blobs as `delete` does."""
        unused = microseconds(before), limit
        gone = self._write_read(self._sql.delete_unused_code_versions, unused)
        self._write_many(self._sql.delete_code_members, gone)
        blobs = self._write_read(self._sql.delete_unused_code_files, unused)
        self._write(self._sql.forget_holders)
        return [blob for (blob,) in blobs if blob is not None]
