"""What accounts have: how much of everything, and which contents they have shown to have."""

from collections.abc import Sequence

from cloud.model import Status
from cloud.stores.database import Database

_TALLIED = (
    Status.WAITING, Status.QUEUED, Status.PROCESSING, Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED,
)  # fmt: skip
"""In the order of the columns."""


class Accounts(Database):
    """Counts for limits, and holders of shared contents."""

    def queued_jobs(self, account: int) -> int:
        """How many jobs of an account are in pending ranges."""
        return int(self._first(self._sql.queued_jobs, (account,))[0])

    def stored_bytes(self, account: int) -> int:
        """Bytes of an account's arguments, outcomes and files, inline and in blobs."""
        return int(self._first(self._sql.stored_bytes, (account,))[0])

    def tally(self, account: int) -> dict[Status, int]:
        """How many jobs of an account have each status; those that nobody has are left out."""
        ((unfinished,), (ended,)) = self._reads(
            (self._sql.unfinished_of, (account,)), (self._sql.ended_of, (account,))
        )  # fmt: skip
        return {status: jobs for status, jobs in zip(_TALLIED, (*unfinished, *ended), strict=True) if jobs}

    def count_files(self, account: int) -> int:
        """Its complete files."""
        return int(self._first(self._sql.count_files, (account,))[0])

    def not_held(self, account: int, digests: Sequence[str]) -> list[str]:
        """Those that `note_held` did not name for this account."""
        return [digest for (digest,) in self._read_many(self._sql.not_held, digests, account)]

    def note_held(self, account: int, digests: Sequence[str]) -> None:
        """The account has what has these digests."""
        self._write_many(self._sql.note_held, [(account, digest) for digest in sorted(set(digests))])
