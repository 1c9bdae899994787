"""Placement: which workers take how many of the jobs that are offered."""

from collections.abc import Callable, Iterable

from cloud.agent.estimates import Estimates
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Wanted

QUEUE_SECONDS = 10e-3
"""A worker's short queue covers about this much work."""
QUEUE_MAX_JOBS = 4096
NOT_WORTH_SPREADING_SECONDS = 1e-3
"""The last jobs of a submission are spread over workers, but not so thin that handing them out takes longer."""


class Placement:
    """Short queues (DESIGN D6): an idle worker takes what fills `QUEUE_SECONDS`, a busy one what it has less than half
    of; a function nobody has measured comes one job at a time; the last jobs of a submission are spread."""

    def __init__(self, slots: int, estimates: Estimates) -> None:
        self._slots = slots
        self._estimates = estimates

    def cores(self, wanted: Wanted) -> int:
        """Slots each of these jobs takes."""
        cores = wanted.submission.spec.cores
        return 1 if cores <= 1 else min(cores, self._slots)

    def used(self, workers: Iterable[Worker], is_blocked: Callable[[int], bool]) -> int:
        """Slots taken by workers that are busy or promised, but for those that run in a slot lent by a job that still
        waits."""
        return sum([self._taken(w, is_blocked) for w in workers if w.batches or w.promise is not None])

    def used_by(self, workers: Iterable[Worker], is_blocked: Callable[[int], bool]) -> dict[int, int]:
        """The same, by account."""
        found: dict[int, int] = {}
        for worker in workers:
            account = worker.account if worker.promise is None else worker.promise.account
            if account is not None and (cores := self._taken(worker, is_blocked)):
                found[account] = found.get(account, 0) + cores
        return found

    def _taken(self, worker: Worker, is_blocked: Callable[[int], bool]) -> int:
        if not worker.taken or (worker.lent_by is not None and is_blocked(worker.lent_by)):
            return 0
        return min(worker.cores, self._slots)

    def idle_share(self, wanted: Wanted, remaining: int, room: int) -> int:
        """How many of the remaining jobs an idle worker takes: at least one."""
        spec = wanted.submission.spec
        seconds = self._estimates.of(spec.function)
        if remaining <= 1 or not spec.restartable or spec.kill_process or seconds is None:
            return min(1, remaining)
        return max(
            1, min(int(QUEUE_SECONDS / seconds), self._fair(remaining, seconds), QUEUE_MAX_JOBS, room, remaining)
        )

    def busy_share(self, wanted: Wanted, remaining: int, worker: Worker) -> int:
        """How many a busy worker takes on top of what it has."""
        spec = wanted.submission.spec
        seconds = self._estimates.of(spec.function)
        if not spec.restartable or spec.kill_process or seconds is None or worker.cores != self.cores(wanted):
            return 0
        if worker.waits_for is not None or worker.lent_by is not None:
            return 0  # a lent slot serves what its lender waits for, and nothing besides
        if any(not batch.work.submission.spec.restartable for batch in worker.batches):
            return 0
        if worker.ring.running() == worker.late:
            return 0
        queued = self._queued(worker)
        if queued > QUEUE_SECONDS / 2 or (worker.promise is not None and worker.promise.alone):
            return 0
        most = QUEUE_MAX_JOBS - worker.held
        return max(
            0,
            min(int((QUEUE_SECONDS - queued) / seconds), self._fair(remaining, seconds), most, worker.room, remaining),
        )

    def promise(self, wanted: Wanted, worker: Worker, jobs: int) -> None:
        """Hold a seat that is being offered."""
        spec = wanted.submission.spec
        seconds = self._estimates.of(spec.function)
        alone = not spec.restartable or spec.kill_process or seconds is None
        worker.hold(
            wanted.submission.account, jobs, jobs * (QUEUE_SECONDS if seconds is None else seconds), alone=alone
        )
        if not worker.busy:
            worker.cores = self.cores(wanted)

    def takes_more(self, worker: Worker) -> bool:
        """Whether its short queue has room for something short."""
        return (
            worker.waits_for is None
            and worker.lent_by is None
            and worker.ring.running() != worker.late
            and self._queued(worker) <= QUEUE_SECONDS / 2
        )

    def _queued(self, worker: Worker) -> float:
        seconds = sum(
            (self._estimates.of(batch.work.submission.spec.function) or QUEUE_SECONDS) * (batch.hi - batch.lo)
            for batch in worker.batches
        )
        return seconds + (worker.promise.seconds if worker.promise is not None else 0.0)

    def _fair(self, remaining: int, seconds: float) -> int:
        return max(-(-remaining // (2 * self._slots)), int(NOT_WORTH_SPREADING_SECONDS / seconds))
