"""Limits: ends jobs that are told to end or that run too long, and takes back what waits behind a long one (D6, D9)."""

import time
from collections.abc import Callable

from cloud.agent.batch import Batch, Kill
from cloud.agent.estimates import Estimates
from cloud.agent.harvest import ended_unstarted
from cloud.agent.memory import held_bytes
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Event, Returned
from cloud.model import Status
from cloud.wire.ring import KILL, fence

GRACE_SECONDS = 0.5
"""Between SIGINT and SIGKILL."""
WEIGH_SECONDS = 0.2
"""How long a job runs before its memory is looked at, and how often that is done; shorter ones are not looked at."""
LATE_SECONDS = 15e-3
"""A job that runs this much longer than expected gives the jobs queued behind it back."""


class Limits:
    """What may be done to a worker that has jobs."""

    def __init__(self, estimates: Estimates, doom: Callable[[Worker], None], note: Callable[[Event], None], *,
                 slots: int, slot_memory: int | None = None, kind: str = "") -> None:  # fmt: skip
        """
        Args:
            doom: SIGKILL to a worker.
            note: takes events.
            slots: of the agent.
            slot_memory: bytes that a job may hold for each slot that it takes; None: there is no limit.
            kind: the type whose memory that is.
        """
        self._slots, self._slot_memory, self._kind = slots, slot_memory, kind
        self._estimates = estimates
        self._doom = doom
        self._note = note

    def kill(self, worker: Worker, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """Jobs lo..hi-1 of a claim, as far as this worker has them: what has not started is taken back, with all that
        is queued behind it; what runs is interrupted."""
        held = [b for b in worker.batches if b.cid == cid and b.index < hi and b.index_of(b.hi) > lo]
        if not held:
            return
        first = held[0].lo + max(0, lo - held[0].index)
        last = held[-1].lo + min(held[-1].hi - held[-1].lo, hi - held[-1].index)
        for batch in worker.take_back(first):
            self._settle(batch, cid, lo, hi, reason)
        seq = worker.ring.running()
        if seq is not None and first <= seq < last:
            self._interrupt(worker, seq, reason, force)

    def take_back(self, worker: Worker, lo: int) -> None:
        """Return what has not started from `lo` on."""
        for batch in worker.take_back(lo):
            self._note(Returned(batch.cid, batch.index, batch.index_of(batch.hi)))

    def enforce(self, worker: Worker, now: float) -> None:
        """What is due."""
        kill = worker.kill
        if kill is not None:
            if kill.deadline is not None and now >= kill.deadline:
                kill.deadline = None
                self._doom(worker)
            return
        seq, since, batch = worker.ring.running(), worker.ring.running_since(), worker.running()
        if seq is None or batch is None or seq != worker.ring.running():
            return
        spec = batch.work.submission.spec
        if self._slot_memory is not None and now >= self._weigh_at(worker, since):
            worker.weighed_at = now
            cores = min(worker.cores, self._slots)
            most = self._slot_memory * cores
            if held_bytes(worker.pid, most) > most:
                of = f"type {self._kind!r}" if cores == 1 else f"{cores} slots of type {self._kind!r}"
                self.take_back(worker, seq + 1)
                why = f"The job used more than {_size(most)}, the memory of {of}."
                self._interrupt(worker, seq, why, force=True, status=Status.ERROR)
                return
        if spec.max_runtime_seconds is not None and now - since >= spec.max_runtime_seconds:
            minutes = spec.max_runtime_seconds / 60
            self.take_back(worker, seq + 1)
            self._interrupt(worker, seq, f"The job ran longer than _max_runtime ({minutes:g} minutes).", force=False)
        elif worker.held > 1 and now - since > self._expected(worker) + LATE_SECONDS:
            self._estimates.learn_at_least(spec.function, now - since)
            worker.late = seq
            self.take_back(worker, seq + 1)

    def deadlines(self, worker: Worker, now: float) -> list[float]:
        """When `enforce` may have something to do."""
        if worker.kill is not None:
            return [] if worker.kill.deadline is None else [worker.kill.deadline]
        since = now if worker.ring.running() is None else worker.ring.running_since()
        longest = [batch.work.submission.spec.max_runtime_seconds for batch in worker.batches]
        times = [since + seconds for seconds in longest if seconds is not None]
        if self._slot_memory is not None:
            times.append(self._weigh_at(worker, since))
        if worker.held > 1:
            times.append(since + self._expected(worker) + LATE_SECONDS + 1e-3)
        return times

    def _weigh_at(self, worker: Worker, since: float) -> float:
        return max(since, worker.weighed_at) + WEIGH_SECONDS

    def _expected(self, worker: Worker) -> float:
        return self._estimates.of(worker.batches[0].work.submission.spec.function) or 0.0

    def _settle(self, batch: Batch, cid: int, lo: int, hi: int, reason: str) -> None:
        """Jobs that were taken back for a kill: those it means are killed, the others returned; last first, so that
        what is left of the claim stays in one piece."""
        first, last = batch.index, batch.index_of(batch.hi)
        a, b = (max(lo, first), min(hi, last)) if batch.cid == cid else (last, last)
        if a >= b:
            self._note(Returned(batch.cid, first, last))
            return
        if b < last:
            self._note(Returned(batch.cid, b, last))
        self._note(ended_unstarted(batch, a, b, Status.KILLED, reason))
        if first < a:
            self._note(Returned(batch.cid, first, a))

    def _interrupt(self, worker: Worker, seq: int, reason: str, force: bool, status: Status = Status.KILLED) -> None:
        if worker.kill is None or worker.kill.seq != seq:
            worker.kill = Kill(seq, reason, time.monotonic() + GRACE_SECONDS, status)
            worker.ring.words[KILL] = seq + 1
            fence()
            if not force:
                worker.template.interrupt(worker.number)
        if force and worker.kill.deadline is not None:
            worker.kill.deadline = None
            self._doom(worker)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
