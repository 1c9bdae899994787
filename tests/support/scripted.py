"""A scripted dispatcher: feeds one engine by hand and keeps what it reports, so that an engine can be tested alone."""

import hashlib
import itertools
import select
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cloud.dispatch.ports import Claim, Engine, Event, Finished, Lost, Returned, Wanted, Work
from cloud.model import INLINE_MAX_BYTES, BlobRef, Chunk, Environment, Outcomes, Piece, Spec, Status, Submission
from cloud.pickling import dump_function, loads, pack_call, pack_map

DEADLINE_SECONDS = 60.0
HERE = Environment(cache_tag=sys.implementation.cache_tag or "")


class Job:
    """One job's end, as the engine reported it."""

    def __init__(self, outcomes: Outcomes, index: int) -> None:
        self.status = outcomes.status_of(index)
        self.outcomes, self.index = outcomes, index

    def text(self, column: str) -> str:
        return bytes(self.outcomes.bytes_of(column, index=self.index)).decode()

    @property
    def result(self) -> Any:
        assert self.status == Status.DONE, (self.status, self.text("error"))
        return loads(self.outcomes.bytes_of("result", self.index))


class Dispatcher:
    """Claims ready jobs as far as the engine takes them; loses nothing and repeats nothing."""

    def __init__(self, engine: Engine, blobs: Any) -> None:
        self.engine, self.blobs = engine, blobs
        self.ended: dict[tuple[int, int], Job] = {}
        self.lost: list[Lost] = []
        self.returned = 0
        self.ready: list[tuple[Submission, Piece, list[Chunk], int, int]] = []
        self.claims: dict[int, tuple[Claim, Submission, Piece, list[Chunk], list[tuple[int, int]]]] = {}
        self._numbers = itertools.count(1)
        self._first_jid = 1

    def map(self, function: Callable[..., Any], items: Iterable[Any], *, chunk: int = 500, **spec: Any) -> Submission:
        jobs = [(item,) for item in items]
        chunks = [(lo, pack_map(jobs[lo : lo + chunk])) for lo in range(0, len(jobs), chunk)]
        return self._submit("map", function, len(jobs), [(lo, len(jobs[lo : lo + chunk]), p) for lo, p in chunks], spec)

    def call(self, function: Callable[..., Any] | None, *args: Any, **spec: Any) -> Submission:
        return self._submit("call", function, 1, [(0, 1, pack_call(args, {}))], spec)

    def _submit(self, kind: Any, function: Any, count: int, chunks: Sequence[Any], options: Any) -> Submission:
        sid = next(self._numbers)
        account = options.pop("account", 1)
        packed = options.pop("packed", None)
        digest = hashlib.sha256(packed or b"").hexdigest()
        if packed is None:
            digest, packed = dump_function(function)
        environment = options.pop("environment", HERE)
        spec = Spec(kind, digest, "f", environment, **options)
        submission = Submission(sid, account, f"t{sid}", spec, datetime.now(UTC), count, self._first_jid)
        self._first_jid += count
        pieces = [Chunk(first, n, self._piece(f"args/{sid}/{first}", parts)) for first, n, parts in chunks]
        self.ready.append((submission, self._piece(f"functions/{digest}", [packed]), pieces, 0, count))
        return submission

    def _piece(self, name: str, parts: Sequence[Any]) -> Piece:
        whole = b"".join(parts)
        if len(whole) <= INLINE_MAX_BYTES:
            return whole
        ref: BlobRef = self.blobs.put(name, parts)
        return ref

    def feed(self, *, lent_by: int | None = None, only: int | None = None) -> None:
        """Offer what is ready, start what is taken."""
        for entry in list(self.ready):
            submission, function, chunks, lo, hi = entry
            if only is not None and submission.sid != only:
                continue
            self.ready.remove(entry)
            work = []
            for seat in self.engine.offer(Wanted(submission, lo, hi), lent_by=lent_by):
                claim = Claim(next(self._numbers), submission.sid, lo, lo + seat.jobs, 1, 1, seat.agent)
                covering = [c for c in chunks if c.first < claim.hi and c.first + c.count > claim.lo]
                work.append(Work(claim, seat, submission, function, covering))
                self.claims[claim.cid] = (claim, submission, function, chunks, [(claim.lo, claim.hi)])
                lo += seat.jobs
            if lo < hi:
                self.ready.append((submission, function, chunks, lo, hi))
            self.engine.start(work)

    def tick(self) -> list[Event]:
        """Take what happened, then feed. Checks that no job is reported twice."""
        events = self.engine.poll()
        for event in events:
            if isinstance(event, Finished):
                outcomes = event.outcomes
                self._leave(event.cid, outcomes.lo, outcomes.hi)
                for index in range(outcomes.lo, outcomes.hi):
                    self.ended[outcomes.sid, index] = Job(outcomes, index)
            else:
                self._leave(event.cid, event.lo, event.hi)
                _, submission, function, chunks, _ = self.claims[event.cid]
                if isinstance(event, Returned):
                    self.returned += event.hi - event.lo
                    self.ready.append((submission, function, chunks, event.lo, event.hi))
                else:
                    self.lost.append(event)
        return events

    def _leave(self, cid: int, lo: int, hi: int) -> None:
        left = self.claims[cid][4]
        for span in left:
            if span[0] <= lo and hi <= span[1]:
                left.remove(span)
                left += [s for s in ((span[0], lo), (hi, span[1])) if s[0] < s[1]]
                return
        raise AssertionError(f"claim {cid}: {lo}..{hi} was reported, of which only {left} was left")

    def until(self, done: Callable[[], bool], *, look_every_seconds: float = 0.005) -> None:
        """Run until the condition holds, which need not be one that the engine wakes us for."""
        seconds = DEADLINE_SECONDS
        end = time.monotonic() + seconds
        poller = select.poll()
        poller.register(self.engine.fileno(), select.POLLIN)
        while True:
            self.tick()
            self.feed()
            if done():
                return
            deadline = self.engine.next_deadline()
            now = time.monotonic()
            if now > end:
                raise AssertionError(f"not within {seconds} s: {self.engine.state()}")
            wait = min(end, now + look_every_seconds, end if deadline is None else deadline) - now
            poller.poll(max(0.0, wait) * 1000)

    def finish(self, *submissions: Submission) -> list[Job]:
        """Run, as a server would, by wake-ups and deadlines alone, until all of them ended; their jobs in order."""
        keys = [(s.sid, i) for s in submissions for i in range(s.count)]
        self.until(lambda: keys[-1] in self.ended and all(key in self.ended for key in keys), look_every_seconds=100)
        return [self.ended[key] for key in keys]

    def started(self, submission: Submission, index: int = 0) -> None:
        """Run until this job runs."""
        self.until(lambda: self.engine.live(submission.sid, index) is not None)

    def kill(self, submission: Submission, lo: int = 0, hi: int | None = None, *, force: bool = False,
             reason: str = "Killed") -> None:  # fmt: skip
        """All claims that overlap, and what is ready."""
        hi = submission.count if hi is None else hi
        for cid, (claim, owner, _, _, left) in list(self.claims.items()):
            if owner.sid == submission.sid and left:
                self.engine.kill(cid, max(lo, claim.lo), min(hi, claim.hi), force=force, reason=reason)
