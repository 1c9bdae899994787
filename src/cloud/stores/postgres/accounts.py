"""What accounts have: how much of everything, and which contents they have shown to have."""

from collections.abc import Sequence

from cloud.stores.postgres.connection import Connection
from cloud.stores.queries import Queries

SQL = Queries("accounts.sql", __package__)


class Accounts(Connection):
    """Counts for limits, and holders of shared contents."""

    def queued_jobs(self, account: int) -> int:
        """How many jobs of an account are in pending ranges."""
        return int(self._first(SQL.queued_jobs, (account,))[0])

    def stored_bytes(self, account: int) -> int:
        """Bytes of an account's arguments, outcomes and files, inline and in blobs."""
        return int(self._first(SQL.stored_bytes, {"account": account})[0])

    def count_files(self, account: int) -> int:
        """Its complete files."""
        return int(self._first(SQL.count_files, (account,))[0])

    def not_held(self, account: int, digests: Sequence[str]) -> list[str]:
        """Those that `note_held` did not name for this account."""
        return [digest for (digest,) in self._read(SQL.not_held, (list(digests), account))] if digests else []

    def note_held(self, account: int, digests: Sequence[str]) -> None:
        """The account has what has these digests."""
        self._write(SQL.note_held, (account, sorted(set(digests))))

    def _forget_holders(self) -> None:
        self._write(SQL.forget_holders)
