"""What accounts have, held against what they may have: refused before anything is written (DESIGN D19)."""

from collections.abc import Callable
from dataclasses import dataclass

from cloud.dispatch.accounts import UNLIMITED, Accounts
from cloud.dispatch.ports import Clock, Store
from cloud.errors import LimitExceeded
from cloud.model import COLUMNS, Outcomes

COUNT_AGAIN_SECONDS = 1.0
"""Stored bytes are not counted more often, which for a large store takes a while."""
OTHERS_SECONDS = 5.0
"""With several servers on a store, what the others let in shows in stored bytes after so long."""
SERVERS_SECONDS = 1.0


@dataclass(slots=True)
class _Tally:
    """A count and what came since. What went since is not taken off: it is never too low, and counted again before
    anybody is refused because of it."""

    number: int
    at: float


class Usage:
    """Counts, as seldom as it can: nothing for an account without limits.

    Args:
        alone: whether no other process writes to the store.
    """

    def __init__(self, store: Store, clock: Clock, accounts: Accounts, *, alone: bool) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._alone = alone
        self._tallies: dict[tuple[str, int], _Tally] = {}
        self._servers: tuple[float, list[int]] = (-1.0, [])

    def of(self, account: int) -> dict[str, int]:
        """What it has now, by the name of the limit, counted."""
        store = self._store
        return {
            "queued_jobs": store.queued_jobs(account), "stored_bytes": store.stored_bytes(account),
            "files": store.count_files(account),
        }  # fmt: skip

    def admit(
        self, account: int, *, jobs: int = 0, size_bytes: int = 0, files: int = 0, cores: int = 1, is_part: bool = False
    ) -> None:
        """So much is about to come.

        Args:
            cores: what one of the jobs takes.
            is_part: they are part of more jobs, all of which are counted with the last part.

        Raises:
            LimitExceeded: it would be more than the account may have.
        """
        most = self._accounts.allowance(account)
        if most.slots is not None and cores > most.slots:
            raise LimitExceeded(
                f"a job that takes {cores} slots would never run: {self._title(account)} may have {most.slots}",
                hint="ask for fewer _cores, or have an administrator raise the limit",
            )
        if most.queued_jobs is not None and jobs:
            self._check("queued_jobs", account, jobs, most.queued_jobs, self._store.queued_jobs, keep=not is_part)
        if most.stored_bytes is not None and (size_bytes or jobs or files):
            self._check("stored_bytes", account, size_bytes, most.stored_bytes, self._store.stored_bytes)
        if most.files is not None and files:
            self._check("files", account, files, most.files, self._store.count_files)

    def refuse_early(self, account: int, size_bytes: int) -> None:
        """So many bytes are about to be put into a blob store; when they are named, `admit` counts them.

        Raises:
            LimitExceeded: they would be more than the account may have.
        """
        most = self._accounts.allowance(account).stored_bytes
        if most is not None:
            self._check("stored_bytes", account, size_bytes, most, self._store.stored_bytes, keep=False)

    def limited(self, account: int) -> bool:
        """Whether there is any limit for it."""
        most = self._accounts.allowance(account)
        return most is not UNLIMITED and most != UNLIMITED

    def grew(self, account: int, outcomes: Outcomes) -> None:
        """What jobs of an account left behind."""
        tally = self._tallies.get(("stored_bytes", account))
        if tally is not None:
            columns = (getattr(outcomes, name) for name in COLUMNS)
            tally.number += sum(len(column.data) for column in columns if column is not None)
            tally.number += sum(ref.size_bytes for ref in outcomes.blobs.values())

    def slots(self, account: int, dispatcher: int) -> int | None:
        """How many slots it may have here, at this server; None: all there are. Servers of one store divide an
        account's limit among them, so that together they never pass it."""
        most = self._accounts.allowance(account).slots
        if most is None or self._alone:
            return most
        now = self._clock.monotonic()
        if now >= self._servers[0]:
            self._servers = now + SERVERS_SECONDS, sorted(self._store.dispatchers())
        servers = self._servers[1]
        place = servers.index(dispatcher) if dispatcher in servers else len(servers)
        number = max(1, len(servers))
        return most // number + (place < most % number)

    def _check(
        self, kind: str, account: int, more: int, most: int, count: Callable[[int], int], *, keep: bool = True
    ) -> None:
        now = self._clock.monotonic()
        tally = self._tallies.get((kind, account))
        slow = kind == "stored_bytes"
        age = 0.0 if tally is None else now - tally.at
        stale = not self._alone and (not slow or age >= OTHERS_SECONDS)
        if tally is None or stale or (tally.number + more > most and (not slow or age >= COUNT_AGAIN_SECONDS)):
            tally = self._tallies[kind, account] = _Tally(count(account), now)
        if tally.number + more > most or (slow and tally.number >= most):
            raise LimitExceeded(
                f"{self._title(account)} may have {_shown(kind, most)}; it has {tally.number:,}"
                + (f", and {more:,} more would come" if more else ""),
                hint=_HINTS[kind],
            )
        if keep:
            tally.number += more

    def _title(self, account: int) -> str:
        return self._accounts.find(account).title


_HINTS = {
    "queued_jobs": "wait until some have run, kill what is not needed, or have an administrator raise the limit",
    "stored_bytes": "delete jobs (cloud.delete) or files that are not needed, or have an administrator raise the limit",
    "files": "delete files that are not needed, or have an administrator raise the limit",
}


def _shown(kind: str, most: int) -> str:
    words = {"queued_jobs": "jobs that no worker has taken yet", "stored_bytes": "stored bytes", "files": "files"}
    return f"at most {most:,} {words[kind]}"
