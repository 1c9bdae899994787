"""What becomes of a dead worker's jobs (DESIGN D8)."""

import json
import os
import signal
import time
from dataclasses import dataclass

from cloud.agent.batch import Batch
from cloud.agent.harvest import ended_by_agent, ended_unstarted
from cloud.agent.worker import Worker
from cloud.dispatch.ports import Event, Lost, Returned
from cloud.model import Status

_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
"""Signals that others send; all the rest are a process's own doing."""


@dataclass(frozen=True, slots=True)
class Death:
    """Why a worker is gone."""

    status: int | None
    """As of `os.waitpid`; None: it went with its template."""
    by_us: bool = False
    start_failure: str = ""
    """Its interpreter could not even be started."""


def reckon(worker: Worker, death: Death) -> list[Event]:
    """Events for what the worker still had, last first; its ring and pipes were read to the end before."""
    culprit = _culprit(worker, death)
    events: list[Event] = []
    while worker.batches:
        batch = worker.batches.pop()
        if death.start_failure:
            events.append(failed_to_start(batch, death.start_failure))
            continue
        if culprit is None or not batch.lo <= culprit < batch.hi:
            events.append(Returned(batch.cid, batch.index, batch.index_of(batch.hi)))
            continue
        index = batch.index_of(culprit)
        if culprit + 1 < batch.hi:
            events.append(Returned(batch.cid, index + 1, batch.index_of(batch.hi)))
        events.append(_end(worker, death, batch, culprit))
        if batch.lo < culprit:
            events.append(Returned(batch.cid, batch.index, index))
    return events


def failed_to_start(batch: Batch, why: str) -> Event:
    """All jobs of a batch end in error: they cannot be run."""
    return ended_unstarted(batch, batch.index, batch.index_of(batch.hi), Status.ERROR, why)


def _culprit(worker: Worker, death: Death) -> int | None:
    """The job that may have started. A worker that died before it could start its first job has that one blamed, for
    otherwise the job would be tried for ever."""
    seq = worker.ring.running()
    if seq is None and worker.batches and not worker.tail and not death.by_us and death.status != -1:
        seq = worker.batches[0].lo
    return seq if seq is not None and any(b.lo <= seq < b.hi for b in worker.batches) else None


def _end(worker: Worker, death: Death, batch: Batch, seq: int) -> Event:
    kill = worker.kill
    index = batch.index_of(seq)
    if kill is not None and kill.seq == seq and death.by_us:
        return _finished(worker, batch, seq, kill.status, kill.reason)
    lost = _lost(death)
    if lost:
        return Lost(batch.cid, index, index + 1, lost)
    assert death.status is not None
    return _finished(worker, batch, seq, Status.ERROR, _own_doing(death.status))


def _finished(worker: Worker, batch: Batch, seq: int, status: Status, error: str) -> Event:
    began = worker.ring.running() == seq
    runtime = time.monotonic() - worker.ring.running_since()
    nan = float("nan")
    return ended_by_agent(
        batch, seq, status, error, started=time.time() - runtime if began else nan,
        runtime=runtime if began else nan, stdout=worker.out.cut_off(), stderr=worker.err.cut_off(),
        extra=_logged(worker, seq),
    )  # fmt: skip


def _logged(worker: Worker, seq: int) -> bytes:
    """What the job could not hand over itself."""
    dropped, log = worker.log.of(seq)
    extra: dict[str, object] = {"logging": log.decode("utf-8", "replace").removesuffix("\n")} if log else {}
    if dropped:
        extra["dropped"] = {"logging": dropped}
    return json.dumps(extra).encode() if extra else b""


def _lost(death: Death) -> str:
    if death.status is None:
        return "the worker's template process was killed, which picloud did not do"
    number = os.WTERMSIG(death.status) if os.WIFSIGNALED(death.status) else 0
    if number not in _FROM_OUTSIDE:
        return ""
    if death.by_us:
        return "the worker was stopped"
    guess = ": most likely the machine ran out of memory" if number == signal.SIGKILL else ""
    return (
        f"the worker was killed by signal {number} ({signal.Signals(number).name}), which picloud did not send{guess}"
    )


def _own_doing(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "unknown"
        meaning = signal.strsignal(number) or "?"
        return f"The job crashed its process: signal {number} ({name}, {meaning}). See its stderr for where it was."
    code = os.waitstatus_to_exitcode(status)
    return f"The job ended its process with exit code {code} (os._exit, or a C library that exits)."
