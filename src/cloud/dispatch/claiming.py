"""Ready work out: which jobs go to which seats, fairly between accounts and in order within one (DESIGN D19)."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cloud.dispatch.naming import submissions_in
from cloud.dispatch.ports import Blocked, Claim, Engine, Pending, Seat, Store, Wanted, Work
from cloud.dispatch.tokens import JobTokens
from cloud.dispatch.usage import Usage
from cloud.errors import CloudException
from cloud.model import Chunk, Code, Ranges, Stretch, Submission
from cloud.model.ranges import normal, subtract

log = logging.getLogger("Cloud.dispatcher")

PAGE = 64
"""Ready ranges read at a time."""
MAX_REFUSED = 64
"""After this many ranges in a row that found no seat, the engine counts as full."""

NOT_ITS_FAULT = (CloudException, OSError, MemoryError)
"""What any submission may meet: these errors are the step's."""
CODES_HELD = 8
"""How many code versions are held in memory, those used last."""


@dataclass(slots=True)
class Held:
    """A claim of ours and how many of its jobs are not accounted for yet."""

    claim: Claim
    account: int
    left: int
    killed: list[range] = field(default_factory=list)
    """Jobs that were to be killed: if they come back, they have ended."""


class Claiming:
    """Moves ready jobs into claims and makes the work of them. Runs inside a step's transaction."""

    def __init__(self, store: Store, engine: Engine, tokens: JobTokens, usage: Usage) -> None:
        self._store = store
        self._engine = engine
        self._tokens = tokens
        self._usage = usage
        self.held: dict[int, Held] = {}
        """Our live claims, by cid; only what is committed."""
        self._served: dict[int, int] = {}
        """By account, when it got a seat last, as a number of turns."""
        self._turns = 0
        self._codes: dict[str, Code] = {}
        self.spoilt: dict[int, tuple[Submission, Exception]] = {}
        """By sid, those whose jobs could not be started, and why; whoever sees them here ends them. One of them must
        not hold up all others, for ever."""
        self.dispatcher = 0
        """Our own number in the store, once enlisted."""

    def claim(self) -> tuple[list[Work], bool]:
        """Work for every seat there is, and whether ready jobs were left over."""
        work: list[Work] = []
        accounts = self._store.ready_accounts()
        left = False
        if len(accounts) == 1 and self._slots_of(accounts[0]) is None:
            left = self._claim_in_order(self._pages(None), work)
        elif accounts:
            left = self._claim_fairly(accounts, work)
        if accounts:
            for blocked in self._engine.blocked():
                self._claim_for(blocked, work)
        return work, left

    def claim_new(self, submission: Submission, chunks: Sequence[Chunk]) -> Work | None:
        """The one job of a submission that is ready, when nothing else is; None: there is no seat."""
        if self._slots_of(submission.account) is not None:
            return None
        seats = self._offer(Wanted(submission, 0, 1))
        if not seats:
            return None
        return self._claim(submission, 0, 1, seats[0], chunks)

    def hold(self, work: list[Work]) -> None:
        """The claims of this work are committed."""
        for item in work:
            claim, account = item.claim, item.submission.account
            self.held[claim.cid] = Held(claim, account, claim.hi - claim.lo)
            self._serve(account)
            self._tokens.begin(claim.cid, account)

    def keep(self, claim: Claim, account: int, jobs: int) -> None:
        """A claim of another dispatcher is ours now, with so many jobs left."""
        held = self.held.get(claim.cid)
        if held is None:
            self.held[claim.cid] = Held(claim, account, jobs)
            self._tokens.begin(claim.cid, account)
        else:  # another part of it
            held.left += jobs

    def shrink(self, cid: int, jobs: int) -> None:
        """So many jobs left the claim; when none is left, it is over."""
        held = self.held.get(cid)
        if held is not None:
            held.left -= jobs
            if held.left <= 0:
                self.release(cid)

    def parted(self, cid: int, lo: int, hi: int) -> tuple[Ranges, Ranges]:
        """Which of these jobs, that come back from the engine, were to be killed, and which were not."""
        held = self.held.get(cid)
        whole = (range(lo, hi),)
        if held is None or not held.killed:
            return (), whole
        others = subtract(whole, normal(held.killed))
        return subtract(whole, others), others

    def release(self, cid: int) -> None:
        """The claim is over or was reaped."""
        held = self.held.pop(cid, None)
        if held is not None:
            self._tokens.end(cid)

    def _claim_in_order(self, ranges: Iterator[Pending], work: list[Work]) -> bool:
        refused = 0
        for pending in ranges:
            submission = self._submission(pending.sid)
            seats = self._offer(Wanted(submission, pending.lo, pending.hi))
            taken = self._take(submission, pending.lo, pending.hi, seats, work)
            if taken < pending.hi:
                refused += 1
                if refused >= MAX_REFUSED or not self._engine.has_room():
                    return True
        return refused > 0

    def _claim_fairly(self, accounts: list[int], work: list[Work]) -> bool:
        """A seat at a time, each to the account with the fewest slots; of equals, to the one that waits longest.

        An account that finds no seat for want of room is owed the next slot: who has more slots than it gets nothing
        there, not even in the short queues of workers that are theirs, which would never run dry otherwise.
        """
        lines = {account: _Line(self._pages(account)) for account in accounts}
        left = False
        owed: dict[str, int] = {}
        while lines:
            used = self._engine.used_by()
            account = min(lines, key=lambda a: (used.get(a, 0), self._served.get(a, 0), a))
            mine, line = used.get(account, 0), lines[account]
            if not line.stands():
                del lines[account]
                continue
            submission = self._submission(line.sid)
            pool = self._engine.pool(submission.spec)
            if mine > owed.get(pool, mine):
                left = True
                if not self._engine.spreads or line.pass_over() >= MAX_REFUSED:
                    del lines[account]
                continue
            most = self._most_jobs(submission, mine)
            wanted = Wanted(submission, line.lo, min(line.hi, line.lo + most), seats=1)
            seats = self._offer(wanted) if most else []
            if seats:
                line.lo = self._take(submission, line.lo, line.hi, seats[:1], work)
                self._serve(account)
                continue
            left = True
            if most and not self._engine.has_room():
                return True
            if most and self._engine.crowded(wanted):
                owed[pool] = min(mine, owed.get(pool, mine))
            if line.pass_over() >= MAX_REFUSED:
                del lines[account]
        return left

    def _slots_of(self, account: int) -> int | None:
        return self._usage.slots(account, self.dispatcher)

    def _most_jobs(self, submission: Submission, used: int) -> int:
        """So many of its jobs fit into the slots that its account may have, where a seat is more than one worker."""
        most = self._slots_of(submission.account)
        if most is None:
            return submission.count
        fit = max(0, most - used) // max(1, submission.spec.cores)
        return fit if self._engine.spreads or not fit else submission.count

    def _serve(self, account: int) -> None:
        self._turns += 1
        self._served[account] = self._turns

    def _claim_for(self, blocked: Blocked, work: list[Work]) -> None:
        """A seat beside a job that waits, for what it waits for and nothing else (DESIGN D12)."""
        for pending in self._within(blocked.jids):
            submission = self._submission(pending.sid)
            seats = self._offer(Wanted(submission, pending.lo, pending.lo + 1), lent_by=blocked.worker)
            if seats:
                self._take(submission, pending.lo, pending.lo + 1, seats[:1], work)
                return

    def _within(self, jids: tuple[range, ...]) -> Iterator[Pending]:
        """Ready ranges among these jobs and, where a barrier holds them, among what the barrier waits for."""
        waited_for = (
            Stretch(s.sid, max(r.start, s.jids.start) - s.jids.start, min(r.stop, s.jids.stop) - s.jids.start)
            for r in jids
            for s in submissions_in(self._store, r)
        )
        todo: list[Stretch] = []
        seen: set[int] = set()
        while (stretch := todo.pop(0) if todo else next(waited_for, None)) is not None:
            for pending in self._store.pending(stretch):
                if pending.ready:
                    yield pending
                elif stretch.sid not in seen:
                    seen.add(stretch.sid)
                    todo += self._store.barrier(stretch.sid)

    def _pages(self, account: int | None) -> Iterator[Pending]:
        after: Pending | None = None
        while True:
            if account is None:
                page = self._store.ready(PAGE, after)
            else:
                page = self._store.ready_of(account, PAGE, after)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]

    def _take(self, submission: Submission, lo: int, hi: int, seats: list[Seat], work: list[Work]) -> int:
        """Claims from lo upwards, one for each seat; returns where it stopped."""
        for seat in seats:
            if lo >= hi:
                break
            stop = min(lo + seat.jobs, hi)
            item = self._claim(submission, lo, stop, seat)
            if item is None:
                break
            work.append(item)
            lo = stop
        return lo

    def _offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """What the engine says; nothing for a submission that makes it stumble."""
        submission = wanted.submission
        if submission.sid in self.spoilt:
            return []
        try:
            return self._engine.offer(wanted, lent_by=lent_by)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            self._spoil(submission, error)
            return []

    def _claim(
        self, submission: Submission, lo: int, hi: int, seat: Seat, chunks: Sequence[Chunk] | None = None
    ) -> Work | None:
        """None: no work can be made of it."""
        claim = self._store.claim(submission.sid, lo, hi, dispatcher=self.dispatcher, agent=seat.agent)
        try:
            return self._work(claim, seat, submission, chunks)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            self._store.give_back(claim.cid, lo, hi)
            self._spoil(submission, error)
            return None

    def _spoil(self, submission: Submission, error: Exception) -> None:
        log.error("jobs of submission %d cannot be started and end", submission.sid, exc_info=error)
        self.spoilt[submission.sid] = submission, error

    def _work(self, claim: Claim, seat: Seat, submission: Submission, chunks: Sequence[Chunk] | None = None) -> Work:
        function = self._store.function(submission.spec.function)
        if function is None:
            raise AssertionError(f"submission {submission.sid} refers to a function that is not stored")
        if chunks is None:
            chunks = self._store.chunks(submission.sid, claim.lo, claim.hi)
        code = self._code_of(submission) if submission.spec.environment.code_version else None
        return Work(claim, seat, submission, function, chunks, self._tokens.new(claim, submission.account), code)

    def _code_of(self, submission: Submission) -> Code:
        version = submission.spec.environment.code_version
        code = self._codes.pop(version, None) or self._store.code(version)
        if code is None:
            raise AssertionError(f"submission {submission.sid} refers to code that is not stored")
        while len(self._codes) >= CODES_HELD:
            del self._codes[next(iter(self._codes))]
        self._codes[version] = code
        return code

    def _submission(self, sid: int) -> Submission:
        submission = self._store.submission(sid)
        if submission is None:
            raise AssertionError(f"jobs of submission {sid} are pending, but there is no such submission")
        return submission


class _Line:
    """The ready jobs of an account, in order."""

    def __init__(self, ranges: Iterator[Pending]) -> None:
        self._ranges = ranges
        self.sid = self.lo = self.hi = 0
        self._refused = 0

    def stands(self) -> bool:
        """Whether there is a first, jobs lo..hi-1 of `sid`."""
        if self.lo >= self.hi:
            first = next(self._ranges, None)
            if first is None:
                return False
            self.sid, self.lo, self.hi = first.sid, first.lo, first.hi
        return True

    def pass_over(self) -> int:
        """The first ones find no seat now: on to the next. How often that was so."""
        self.lo = self.hi
        self._refused += 1
        return self._refused
