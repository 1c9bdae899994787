"""An engine without processes: the test says when a job ends and how."""

import os
import select
from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from cloud.dispatch.ports import (
    Blocked,
    Claim,
    EngineState,
    Event,
    Finished,
    Live,
    Lost,
    Returned,
    Said,
    Seat,
    Stack,
    Wanted,
    Work,
    WorkerState,
)
from cloud.model import CORE_TYPES, Column, Outcomes, Ranges, Spec, Status, Submission


class ScriptedEngine:
    """Keeps the Engine port's contract; its jobs run until told otherwise.

    Args:
        slots: how many seats there are; a seat takes one claim.
        jobs_per_seat: how many jobs a seat takes at once.
    """

    survives = False
    spreads = False
    types: Collection[str] = CORE_TYPES

    def __init__(self, slots: int = 2, jobs_per_seat: int = 1) -> None:
        self.slots = slots
        self.jobs_per_seat = jobs_per_seat
        self.running: dict[int, Work] = {}
        """Work by cid; what is left of it is in `left`."""
        self.left: dict[int, set[int]] = {}
        self.killed: list[tuple[int, int, int, bool]] = []
        """(cid, lo, hi, force) of every kill."""
        self.refusal: str | None = None
        self.blocked_jobs: list[Blocked] = []
        self.obeys = True
        """Whether killed jobs end at once; else the test ends them."""
        self.spoken: dict[tuple[int, int], bytes] = {}
        """What jobs have written to each of their streams, by sid and index."""
        self._followed: set[tuple[int, int]] = set()
        self._heard: set[tuple[int, int]] = set()
        self._held = 0
        self._promised: Counter[int] = Counter()
        self._events: list[Event] = []
        self._readable, self._writable = os.pipe()

    # --- what a test says

    def finish(
        self, cid: int, lo: int, hi: int, status: Status = Status.DONE, result: bytes = b"r", error: str = ""
    ) -> None:
        """Jobs lo..hi-1 of a claim end."""
        work, n = self.running[cid], hi - lo
        outcomes = Outcomes(
            work.claim.sid, lo, n, bytes([status]) * n, work.claim.attempt,
            array("d", [1.0] * n), array("d", [0.5] * n),
            result=Column.of([result] * n) if status is Status.DONE else None,
            error=Column.of([error.encode()] * n),
        )  # fmt: skip
        self._leave(cid, lo, hi, Finished(cid, outcomes))

    def finish_all(self, status: Status = Status.DONE) -> None:
        """Everything that runs ends."""
        for cid, left in list(self.left.items()):
            for index in sorted(left):
                self.finish(cid, index, index + 1, status)

    def lose(self, cid: int, lo: int, hi: int, reason: str = "the machine is gone") -> None:
        """Jobs lo..hi-1 of a claim are lost from outside."""
        self._leave(cid, lo, hi, Lost(cid, lo, hi, reason))

    def return_(self, cid: int, lo: int, hi: int) -> None:
        """Jobs lo..hi-1 of a claim had not started and come back."""
        self._leave(cid, lo, hi, Returned(cid, lo, hi))

    def say(self, sid: int, index: int, data: bytes) -> None:
        """A job writes, to all its streams."""
        self.spoken[sid, index] = self.spoken.get((sid, index), b"") + data
        if (sid, index) in self._followed:
            self._followed.discard((sid, index))
            self._heard.add((sid, index))

    def claimed(self) -> list[tuple[int, int, int]]:
        """(sid, lo, hi) of all that runs, ascending."""
        return sorted((self.running[c].claim.sid, min(left), max(left) + 1) for c, left in self.left.items())

    def _leave(self, cid: int, lo: int, hi: int, event: Event) -> None:
        gone = set(range(lo, hi))
        if not gone <= self.left[cid]:
            raise AssertionError(f"jobs {lo}..{hi - 1} are not all running in claim {cid}")
        self.left[cid] -= gone
        if not self.left[cid]:
            del self.left[cid], self.running[cid]
        self._events.append(event)

    # --- the port

    def refuse(self, spec: Spec) -> str | None:
        """`refusal`, whatever the spec."""
        del spec
        return self.refusal

    def pool(self, spec: Spec) -> str:
        """All slots are alike."""
        del spec
        return ""

    def used_by(self) -> dict[int, int]:
        """A slot for each claim."""
        return dict(Counter(work.submission.account for work in self.running.values()) + self._promised)

    def crowded(self, wanted: Wanted) -> bool:
        """That is the only reason."""
        del wanted
        return True

    def has_room(self) -> bool:
        """Whether a seat is free."""
        return len(self.running) + self._held < self.slots

    def add_interpreter(self, tag: str, executable: str) -> None:
        """There are no interpreters here."""

    def offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """As many free seats as the jobs fill."""
        if lent_by is not None:
            return [Seat(lent_by, 1)]
        seats: list[Seat] = []
        left = wanted.hi - wanted.lo
        most = self.slots if wanted.seats is None else wanted.seats
        while left > 0 and self.has_room() and len(seats) < most:
            seats.append(Seat(self._held, min(left, self.jobs_per_seat)))
            left -= self.jobs_per_seat
            self._held += 1
            self._promised[wanted.submission.account] += 1
        return seats

    def expected_seconds(self, function: str) -> float | None:
        """Nothing is known."""
        del function
        return None

    def wait(self, seconds: float) -> None:
        """Asleep."""
        select.select([self.fileno()], (), (), seconds)

    def start(self, work: Sequence[Work]) -> None:
        """They run."""
        self._held = 0
        self._promised.clear()
        for item in work:
            self.running[item.claim.cid] = item
            self.left[item.claim.cid] = set(range(item.claim.lo, item.claim.hi))

    def poll(self) -> list[Event]:
        """What the test said since the last call."""
        self._held = 0
        self._promised.clear()
        events, self._events = self._events, []
        return events

    def stored(self) -> None:
        """What happened here is remembered by nobody else anyway."""

    def taken_over(self) -> Collection[str]:
        """None."""
        return ()

    def adopt(self, claims: Sequence[Claim], submissions: Mapping[int, Submission]) -> dict[int, Ranges]:
        """Nothing outlives this engine."""
        return {}

    def fileno(self) -> int:
        """Never readable."""
        return self._readable

    def next_deadline(self) -> float | None:
        """None."""
        return None

    def kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """They are killed at once, if `obeys`."""
        self.killed.append((cid, lo, hi, force))
        for index in range(lo, hi) if self.obeys else ():
            if index in self.left.get(cid, ()):
                self.finish(cid, index, index + 1, Status.KILLED, error=reason)

    def blocked(self) -> list[Blocked]:
        """`blocked_jobs`."""
        return self.blocked_jobs

    def live(self, sid: int, index: int) -> Live | None:
        """A job that runs has written nothing."""
        for cid, left in self.left.items():
            if self.running[cid].claim.sid == sid and index in left:
                return Live(1.0, b"", b"")
        return None

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """What `say` said."""
        del stream
        for cid, left in self.left.items():
            claim = self.running[cid].claim
            if claim.sid == sid and index in left:
                return Said(start, self.spoken.get((sid, index), b"")[start : start + max_bytes], claim.attempt)
        return None

    def follow(self, sid: int, index: int) -> None:
        """Until it says something."""
        self._followed.add((sid, index))

    def heard(self) -> Collection[tuple[int, int]]:
        """Who said something."""
        heard, self._heard = self._heard, set()
        return heard

    def stack(self, sid: int, index: int) -> Stack | None:
        """A job that runs does nothing in particular."""
        return None if self.live(sid, index) is None else Stack("Main thread (most recent call last):\n")

    def delay(self, sid: int, index: int) -> str | None:
        """Nothing is known."""
        del sid, index
        return None

    def state(self) -> EngineState:
        """Slots and claims."""
        return EngineState(self.slots, self.slots, len(self.running), len(self.blocked_jobs), ["cpython-311"])

    def workers(self, most: int) -> list[WorkerState]:
        """A worker for each claim."""
        return [
            WorkerState(
                1000 + cid, "python", work.submission.account, work.submission.jids.start + min(self.left[cid]),
                work.submission.spec.function_name, 1.0,
            )
            for cid, work in list(self.running.items())[:most]
        ]  # fmt: skip

    def abandon(self) -> None:
        """Forget everything."""
        self.running.clear()
        self.left.clear()
        self._events.clear()

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._readable)
        os.close(self._writable)
