"""What jobs that run have said so far, and word of it when one that somebody follows says more."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from cloud.agent.batch import Batch
from cloud.agent.stream import Stream
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Live, Said

FOLLOWED_SECONDS = 60.0
"""So long after somebody asked last, a job counts as followed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs now, and where."""

    worker: Worker
    batch: Batch
    seq: int

    @property
    def still(self) -> bool:
        """Whether it still runs."""
        return not self.worker.closed and self.worker.ring.running() == self.seq


class Listening:
    """Answers from the workers' pipes. Jobs that nobody follows cost nothing."""

    def __init__(
        self, workers: Mapping[int, Worker], read: Callable[[Worker, Stream], None], wake: Callable[[], None]
    ) -> None:
        """
        Args:
            workers: by number, as they come and go.
            read: takes what is in a pipe.
            wake: has `poll`, and then `heard`, called soon.
        """
        self._wake = wake
        self._workers = workers
        self._read = read
        self._until: dict[tuple[int, int], float] = {}
        self._heard: set[tuple[int, int]] = set()

    def find(self, sid: int, index: int) -> Running | None:
        """A job that runs now, else None."""
        for worker in self._workers.values():
            for batch in worker.batches:
                if batch.sid == sid and (seq := worker.ring.running()) is not None:
                    if batch.lo <= seq < batch.hi and batch.index_of(seq) == index:
                        return Running(worker, batch, seq)
        return None

    def live(self, sid: int, index: int) -> Live | None:
        """See `Engine.live`. Reads what is in the pipes first."""
        job = self.find(sid, index)
        if job is None:
            return None
        worker = job.worker
        started = time.time() - (time.monotonic() - worker.ring.running_since())
        self._read(worker, worker.out)
        self._read(worker, worker.err)
        return Live(started, worker.out.so_far(), worker.err.so_far(), worker.pid, worker.waits_for or ())

    def delay(self, sid: int, index: int) -> str | None:
        """See `Engine.delay`."""
        for worker in self._workers.values():
            for batch in worker.batches:
                if batch.sid == sid and 0 <= (ahead := index - batch.index) < batch.hi - batch.lo:
                    return _delay(worker, batch.lo + ahead)
        return None

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """See `Engine.said`. Reads what is in the pipe first."""
        job = self.find(sid, index)
        if job is None:
            return None
        if stream == "logging":
            return self._logged(job, start, max_bytes)
        pipe = job.worker.err if stream == "stderr" else job.worker.out
        self._read(job.worker, pipe)
        if not job.still:  # what was read may be the next job's
            return None
        start, data = pipe.since(start, max_bytes)
        return Said(start, data, job.batch.work.claim.attempt)

    def _logged(self, job: Running, start: int, max_bytes: int) -> Said | None:
        job.worker.log.want()  # first: a line that this does not see will tell
        dropped, log = job.worker.log.of(job.seq)
        if not job.still:
            return None
        start = max(start, dropped)
        return Said(start, log[start - dropped :][:max_bytes], job.batch.work.claim.attempt)

    def follow(self, sid: int, index: int) -> None:
        """See `Engine.follow`."""
        now = time.monotonic()
        if len(self._until) > 100:
            self._until = {job: until for job, until in self._until.items() if until > now}
        self._until[sid, index] = now + FOLLOWED_SECONDS

    def note(self, worker: Worker) -> None:
        """Something came through a pipe of this worker."""
        if self._until and (batch := worker.running()) is not None and (seq := worker.ring.running()) is not None:
            job = batch.sid, batch.index_of(seq)
            if self._until.pop(job, None) is not None:
                self._heard.add(job)
                self._wake()  # this may not be a `poll`, but somebody else's look into the pipe

    def look(self, workers: Iterable[Worker]) -> None:
        """At what jobs of these workers logged, while anybody follows any job."""
        if self._until:
            for worker in workers:
                if worker.batches and worker.log.want():
                    self.note(worker)

    def tell(self, job: Running) -> None:
        """There is something else to say about this job."""
        self._heard.add((job.batch.sid, job.batch.index_of(job.seq)))

    def heard(self) -> Collection[tuple[int, int]]:
        """See `Engine.heard`."""
        if not self._heard:
            return ()
        heard, self._heard = self._heard, set()
        return heard


def _delay(worker: Worker, seq: int) -> str | None:
    """Why the worker does not run this one of its jobs."""
    running = worker.ring.running()
    if not worker.template.ready:
        return f"its interpreter {worker.template.executable} is being started"
    if running is None:
        return "the worker is being made ready"
    batch = worker.running()
    if running >= seq or batch is None:
        return None
    jid = batch.work.submission.jids[batch.index_of(running)]
    before = f"{seq - running:,} jobs come" if seq - running > 1 else "another job comes"
    return f"{before} before it there; job {jid} runs now"
