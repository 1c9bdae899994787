"""The Store port: durable memory of jobs."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from cloud.dispatch.ports.places import Claim, Glance, Listed, Loss, Pending
from cloud.dispatch.ports.signals import Signals
from cloud.model import Chunk, Code, CodeFile, File, Outcomes, Piece, Spec, Status, Stretch, Submission


class Store(Protocol):
    """Durable memory of jobs. It remembers; it decides nothing (`lifecycle` does).

    **Each index 0..count-1 of a sealed submission is in one place only: a pending range, a claim or an outcome row,
    or it was deleted and is in none.**
    That partition is the store's first invariant; every method keeps it, and open/closed barriers, "all finished" and
    counts per status are read from it, never from counters of their own.

    Every writing method must be called inside `transaction()`; nothing is visible to others or durable before the
    outermost one ends, and after an exception nothing of it is. Calls come from one thread at a time.
    All errors of the database surface as `StoreFull` or `ServerUnavailable`.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Begin; commit on exit, roll back on exception. Nested use joins the outer one."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """What is read inside is as it was at one moment, whatever others do meanwhile. Joins a transaction."""
        ...

    @property
    def signals(self) -> Signals | None:
        """How other processes that use this store are told, and heard; None: there can be no others."""
        ...

    def write_ahead(self) -> None:
        """Inside a transaction: the caller waits for something else now, a good moment to write what was kept back for
        the commit. A store may do nothing."""
        ...

    def close(self) -> None: ...

    # submissions

    def find_token(self, account: int, token: str) -> Submission | None:
        """The submission with this token, sealed or not."""
        ...

    def add_submission(self, account: int, token: str, spec: Spec, at: datetime) -> Submission:
        """A new, unsealed submission. The token must be new."""
        ...

    def add_chunk(self, sid: int, chunk: Chunk, at: datetime) -> None:
        """Arguments of jobs first..first+count-1; ignored when a chunk with this `first` is there already.
        Also remembers `at` as the last sign of life of an unsealed submission."""
        ...

    def chunk_extents(self, sid: int) -> list[tuple[int, int]]:
        """(first, count) of every chunk, ascending: the seal is checked with it."""
        ...

    def seal(self, sid: int, count: int, *, ready: bool) -> Submission:
        """Allot `count` consecutive jids, the next ones of this store, and make all jobs one pending range."""
        ...

    def unsealed(self, silent_since: datetime) -> list[int]:
        """Submissions without a seal or sign of life since then."""
        ...

    def submission(self, sid: int) -> Submission | None: ...

    def at_jids(self, jids: range, most: int | None = None) -> list[Submission]:
        """Sealed submissions with jids in this range, ascending, `most` at most; gaps are for the caller to notice."""
        ...

    def of_account(self, account: int, *, unfinished: bool) -> list[int]:
        """Sids of an account; with `unfinished`, those with a pending range or a claim, including unsealed ones."""
        ...

    def newest(self, limit: int, before: int | None = None) -> list[Listed]:
        """Sealed submissions of all accounts, newest first, `limit` at most; with `before`, those with a lower sid."""
        ...

    def chunks(self, sid: int, lo: int, hi: int) -> list[Chunk]:
        """The chunks that cover jobs lo..hi-1, ascending."""
        ...

    def add_function(self, digest: str, function: Piece) -> None:
        """Once per digest; repeated, ignored."""
        ...

    def function(self, digest: str) -> Piece | None: ...

    # local modules (DESIGN D13)

    def missing_code(self, digests: Sequence[str]) -> list[str]:
        """Those whose content is not here."""
        ...

    def put_code(self, contents: Mapping[str, Piece], at: datetime) -> None:
        """Contents by digest; repeated, only the time is noted."""
        ...

    def add_code(self, version: str, files: Sequence[CodeFile], at: datetime) -> None:
        """A version whose contents are all here; repeated, only the time is noted."""
        ...

    def has_code(self, version: str) -> bool:
        """Whether submissions may refer to it."""
        ...

    def code(self, version: str) -> Code | None:
        """The version with its contents."""
        ...

    def drop_unused_code(self, before: datetime, limit: int) -> list[str]:
        """Forget versions that no submission refers to and contents that no version has, `limit` of each at most,
        if they were put before this moment. Returns names of blobs as `delete` does."""
        ...

    # files (`cloud.files`)

    def upload(self, account: int, token: str, at: datetime) -> File:
        """The file that is, or was, put under this token; begun when there is none."""
        ...

    def add_file_piece(self, fid: int, start: int, piece: Piece) -> None:
        """Bytes of a file from `start` on; ignored when a piece that starts there is there already."""
        ...

    def file_extents(self, fid: int) -> list[tuple[int, int]]:
        """(start, bytes) of every piece, ascending."""
        ...

    def name_file(self, account: int, fid: int, name: str, size_bytes: int, md5: str, at: datetime) -> list[str]:
        """Complete a file. One that had this name is forgotten; returns its blobs as `delete` does."""
        ...

    def find_file(self, account: int, name: str) -> File | None: ...

    def list_files(self, account: int, prefix: str, after: str, limit: int) -> list[File]:
        """Files whose names begin with `prefix` and come behind `after`, by code points."""
        ...

    def has_file(self, account: int, fid: int) -> bool:
        """Whether this version of a file is there, complete."""
        ...

    def file_piece(self, account: int, fid: int, at: int) -> tuple[int, Piece] | None:
        """The piece with byte `at`, and which byte is its first; None when the file does not go so far."""
        ...

    def delete_file(self, fid: int) -> list[str]:
        """Forget a file, complete or not; returns names of its blobs as `delete` does."""
        ...

    def silent_uploads(self, silent_since: datetime, limit: int) -> Sequence[int]:
        """Fids of incomplete files without a sign of life since then."""
        ...

    def file_bytes(self) -> int:
        """Bytes of files that are in blobs."""
        ...

    # where a job is

    def pending(self, stretch: Stretch) -> list[Pending]:
        """Pending ranges that overlap, ascending, cut to the stretch."""
        ...

    def claims(self, stretch: Stretch) -> list[Claim]:
        """Claims that overlap, ascending by lo, **not** cut."""
        ...

    def adopt(self, cid: int, dispatcher: int) -> None:
        """What is left of a claim is another dispatcher's now."""
        ...

    def claimed(self, stretch: Stretch) -> int:
        """How many jobs of the stretch are in claims, counted without a look at each claim here."""
        ...

    def claims_of(self, dispatcher: int) -> list[Claim]: ...

    def outcomes(
        self, stretch: Stretch, *, columns: Sequence[str] = (), max_bytes: int | None = None
    ) -> list[Outcomes]:
        """Outcome rows that overlap, ascending, cut to the stretch, deleted jobs left out. Status, times and blobs
        are always filled; byte columns only if named. Stops after the row that passes `max_bytes`."""
        ...

    def all_finished(self, stretch: Stretch) -> bool:
        """Whether no pending range and no claim overlaps."""
        ...

    def glances(self, stretches: Sequence[Stretch]) -> list[Glance]:
        """One for each stretch, without asking a database for each."""
        ...

    def first_failure(self, stretch: Stretch) -> int | None:
        """Lowest index in the stretch whose outcome is error, killed or stalled; found without reading done rows."""
        ...

    def failed_rows(self, stretch: Stretch, limit: int) -> list[range]:
        """Outcome rows with a job whose outcome is error, killed or stalled: their indices, cut to the stretch,
        ascending, the first `limit`; found without reading what is in them."""
        ...

    def counts(self, stretch: Stretch) -> dict[Status, int]:
        """How many jobs of the stretch have each finished status; statuses nobody has are absent. Read from counts
        kept beside the outcome rows: a few thousand short reads for a million jobs."""
        ...

    def census(self, account: int, jids: range) -> dict[Status, int] | None:
        """As `counts`, of whole submissions with these jids, unfinished jobs too. None: not all are this account's."""
        ...

    def slowest(self, stretch: Stretch, limit: int) -> list[tuple[int, float]]:
        """(index, seconds) of the `limit` jobs of the stretch that ran longest, of those that ended; longest first.
        Found by the longest time that is kept beside each outcome row: reads at most `limit` + 2 whole rows."""
        ...

    def losses(self, stretch: Stretch) -> list[Loss]: ...

    # the queue

    def ready(self, limit: int, after: Pending | None = None) -> list[Pending]:
        """Ready pending ranges in the order (priority, sid, lo), beginning behind `after`."""
        ...

    def ready_accounts(self) -> list[int]:
        """Accounts with a ready pending range."""
        ...

    def ready_of(self, account: int, limit: int, after: Pending | None = None) -> list[Pending]:
        """As `ready`, for one account."""
        ...

    def release(self, sid: int) -> None:
        """Its barrier is open: waiting ranges become ready."""
        ...

    def claim(self, sid: int, lo: int, hi: int, *, dispatcher: int, agent: str) -> Claim:
        """Move jobs lo..hi-1, which must lie in one pending range, into a claim with attempt losses + 1."""
        ...

    # moves

    def finish(self, cid: int, outcomes: Outcomes, *, at: datetime | None = None) -> bool:
        """Move `outcomes.lo..hi-1` out of the claim into an outcome row (merged with small neighbours). `at` is when,
        for outcomes that hold no times themselves; retention goes by it.

        Compare-and-set: False, and nothing changes, unless claim `cid` exists with `outcomes.attempt` and holds
        that range. What is left of the claim on either side stays claimed; a middle piece leaves two rows, both with
        the same cid (a cid names what was granted, and may cover several rows).
        """
        ...

    def settle(self, outcomes: Outcomes, *, at: datetime | None = None) -> list[tuple[int, int]]:
        """Move pending jobs of a uniform range into an outcome row: killed or stalled before they ran. Indices in it
        that are not pending are left alone; returns the ranges that moved. `at` is when, as for `finish`."""
        ...

    def give_back(self, cid: int, lo: int, hi: int, *, lost: str | None = None, at: datetime | None = None) -> bool:
        """Move claimed jobs back to pending, ready. With `lost` (why), their losses rise by one and a `Loss` is kept.
        Compare-and-set on the claim like `finish`."""
        ...

    def condemn(self, stretch: Stretch) -> None:
        """Remember that these claimed jobs were killed, until their claims are gone: whoever reaps them must know."""
        ...

    def condemned(self, stretch: Stretch) -> list[range]:
        """Indices of jobs in the stretch that `condemn` named, ascending; they may overlap."""
        ...

    # for people

    def backlog(self) -> list[tuple[int, int, int]]:
        """(account, waiting, queued): how many jobs of each account that has any no worker has taken yet."""
        ...

    def longest_queues(self, limit: int) -> list[tuple[int, int]]:
        """(sid, jobs): submissions by how many jobs of theirs no worker has taken yet, the most first."""
        ...

    def last_failed(self, before: int | None = None) -> int | None:
        """The sid of the newest submission with a job whose outcome is error, killed or stalled; with `before`, of
        those whose jids are all below it. Found without reading what went well."""
        ...

    # barriers

    def add_barrier(self, sid: int, stretches: Sequence[Stretch]) -> None:
        """What the jobs of a submission wait for: a row per stretch, never per job."""
        ...

    def barrier(self, sid: int) -> list[Stretch]: ...

    def behind(self, stretch: Stretch) -> list[int]:
        """Sids of submissions that still have waiting jobs and a barrier stretch that overlaps this one."""
        ...

    def dependents(self, stretch: Stretch, limit: int) -> list[int]:
        """Sids, ascending and `limit` at most, with a barrier stretch that overlaps this one, whatever came of both."""
        ...

    # dispatchers

    def enlist(self, name: str, until: datetime) -> int:
        """A new dispatcher with a lease."""
        ...

    def renew(self, dispatcher: int, until: datetime) -> bool:
        """False when it was reaped in the meantime. A lease that has passed but was not reaped is renewed (D7)."""
        ...

    def lapsed(self, now: datetime) -> list[int]:
        """Dispatchers whose lease is over."""
        ...

    def dispatchers(self) -> list[int]: ...

    def discharge(self, dispatcher: int) -> None:
        """Forget a dispatcher that has no claims any more."""
        ...

    # forgetting

    def delete(self, *stretches: Stretch) -> list[str]:
        """Forget finished jobs of a submission: `stretches` of it, ascending, none of which touch (all of them must be
        finished). A submission of which nothing is left goes whole, with its chunks, barrier and losses. Returns names
        of blobs that nothing references any more (functions included); the caller deletes them after the commit."""
        ...

    def drop_unsealed(self, sid: int) -> list[str]:
        """Remove an unsealed submission; returns its blobs as `delete` does."""
        ...

    def referenced(self, names: Sequence[str]) -> set[str]:
        """Those of these blob names that something stored refers to."""
        ...

    def oldest_finished(self, limit: int) -> list[tuple[int, datetime, int]]:
        """(sid, last end, bytes) of submissions that are finished altogether, oldest end first: for retention."""
        ...

    def finished_jobs(self) -> int:
        """How many jobs are finished and not deleted."""
        ...

    def ended_jids(self, limit: int) -> list[range]:
        """Jids of the finished jobs that ended first (single deleted ones among others may be in), in `limit` ranges at
        most: for retention."""
        ...

    def size_bytes(self) -> int:
        """Bytes the store holds, inline data only."""
        ...

    # accounts

    def queued_jobs(self, account: int) -> int:
        """How many jobs of an account are in pending ranges."""
        ...

    def stored_bytes(self, account: int) -> int:
        """Bytes of an account's arguments, outcomes and files, inline and in blobs. What several submissions share
        counts for each. Where many share a database it is added up beforehand."""
        ...

    def tally(self, account: int) -> dict[Status, int]:
        """How many jobs of an account have each status; those that nobody has are left out. Outside of transactions."""
        ...

    def count_files(self, account: int) -> int:
        """Its complete files."""
        ...

    def not_held(self, account: int, digests: Sequence[str]) -> list[str]:
        """Those, in their order, that `note_held` did not name for this account: functions, contents and versions of
        code that it has not shown to have."""
        ...

    def note_held(self, account: int, digests: Sequence[str]) -> None:
        """The account has what has these digests; repeated, ignored. Forgotten some time after the content is."""
        ...

    # facts that are few: keys, settings, server identity

    def get_fact(self, name: str) -> str | None: ...

    def set_fact(self, name: str, value: str | None) -> None:
        """None removes it."""
        ...

    def facts(self, prefix: str) -> dict[str, str]: ...
