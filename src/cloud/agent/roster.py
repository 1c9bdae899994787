"""The roster: which worker processes there are and what each of them does, for people."""

import time
from collections.abc import Iterable

from cloud.agent.worker import Worker
from cloud.dispatch.ports import WorkerState


def roster(workers: Iterable[Worker], most: int) -> list[WorkerState]:
    """Of this moment, `most` at most, busy ones first."""
    alive = sorted((w for w in workers if not w.doomed), key=lambda w: (not w.busy, w.number))
    return [_state(worker) for worker in alive[:most]]


def _state(worker: Worker) -> WorkerState:
    seq, executable = worker.ring.running(), worker.template.executable
    for batch in worker.batches:
        if seq is not None and batch.lo <= seq < batch.hi:
            submission = batch.work.submission
            since = time.time() - (time.monotonic() - worker.ring.running_since())
            jid = submission.jids.start + batch.index_of(seq)
            name, waits = submission.spec.function_name, worker.waits_for is not None
            return WorkerState(worker.pid, executable, worker.account, jid, name, since, waits)
    return WorkerState(worker.pid, executable, worker.account)
