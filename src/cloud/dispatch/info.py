"""Everything there is to know about single jobs, put together for `JobApi.info`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cloud.api import MAX_OUTPUT_BYTES
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.naming import Named
from cloud.dispatch.ports import Live
from cloud.model import Buffer, Outcomes, Ranges, Spec, Status, Stretch, Submission
from cloud.wire.strangers import dict_in

BYTE_COLUMNS = {"stdout": ("stdout",), "stderr": ("stderr",), "exception": ("error",)}
"""Which outcome columns a field needs; fields of `IN_EXTRA` need 'extra'."""
LIVE = frozenset({"stdout", "stderr", "logging", "runtime", "started"})
"""Fields of which only the engine knows while a job runs."""
ASK_SECONDS = 0.5
"""So long, for all jobs together, engines are asked that are elsewhere; of other jobs this is not known then."""
IN_EXTRA = ("logging", "profile", "memory", "cputime", "result_repr", "machine")


@dataclass(slots=True)
class _One:
    """One job: what is stored of it, and what runs of it."""

    submission: Submission
    index: int
    status: Status
    outcomes: Outcomes | None
    live: Live | None
    _notes: dict[str, Any] | None = None

    def column(self, name: str) -> Buffer:
        return self.outcomes.bytes_of(name, self.index) if self.outcomes is not None else b""

    def time(self, name: str) -> float | None:
        """Of the outcome's time arrays; None where there is none."""
        if self.outcomes is None or self.outcomes.is_uniform:
            return None
        value: float = getattr(self.outcomes, name)[self.index - self.outcomes.lo]
        return None if math.isnan(value) else value

    def noted(self, name: str) -> Any:
        """A value that the worker process left beside the outcome; a profile among them makes it long: read once."""
        if self._notes is None:
            self._notes = dict_in(self.column("extra"))
        return self._notes.get(name)


def shown_arguments(spec: Spec, index: int) -> str:
    """A look at the arguments of a job, if the client sent one."""
    return spec.shown_arguments[index] if index < len(spec.shown_arguments) else ""


class InfoReader:
    """Reads info of jobs from the store and, for those that run, from the engine; what is in a blob is named only."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._ask_until = 0.0
        self._fields: dict[str, Callable[[_One], Any]] = {
            "status": lambda job: job.status.word,
            "stdout": lambda job: job.live.stdout if job.live else job.column("stdout"),
            "stderr": lambda job: job.live.stderr if job.live else job.column("stderr"),
            "exception": lambda job: bytes(job.column("error")).decode("utf-8", "replace") or None,
            "runtime": self._runtime,
            "created": lambda job: job.submission.created_at.timestamp(),
            "started": lambda job: job.live.started_at if job.live else job.time("started"),
            "finished": self._finished,
            "function": lambda job: job.submission.spec.function_name,
            "label": lambda job: job.submission.spec.label,
            "args": self._arguments,
            "kwargs": self._arguments,
            "func_object": lambda job: self._store.function(job.submission.spec.function) or b"",
            "attributes": self._attributes,
            "attempts": self._attempts,
            "code_version": lambda job: job.submission.spec.environment.code_version or None,
            **{name: self._from_extra(name) for name in IN_EXTRA},
            "logging": self._logging,
        }

    def begin(self) -> None:
        """Somebody asks; all others wait until all of it is read."""
        self._ask_until = self._dispatcher.clock.monotonic() + ASK_SECONDS

    def read(self, named: Named, statuses: bytes, fields: Sequence[str]) -> list[dict[str, Any]]:
        """One dict per job of the stretch with exactly these fields; a field we know nothing about is None."""
        columns = sorted({c for f in fields for c in BYTE_COLUMNS.get(f, ("extra",) if f in IN_EXTRA else ())})
        if "attributes" in fields and named.stretch.hi > len(named.submission.spec.shown_arguments):
            columns = sorted({*columns, "extra"})
        rows = self._store.outcomes(named.stretch, columns=columns)
        asks, clock = not LIVE.isdisjoint(fields), self._dispatcher.clock
        answer = []
        position = 0
        for index, code in enumerate(statuses, start=named.stretch.lo):
            while position < len(rows) and rows[position].hi <= index:
                position += 1
            row = rows[position] if position < len(rows) and rows[position].lo <= index else None
            live = None
            if asks and code == Status.PROCESSING and clock.monotonic() < self._ask_until:
                live = self._dispatcher.engine.live(named.stretch.sid, index)
            job = _One(named.submission, index, Status(code), row, live)
            answer.append({f: self._fields[f](job) if f in self._fields else None for f in fields})
        return answer

    def _runtime(self, job: _One) -> float | None:
        if job.live is not None:
            return max(0.0, self._dispatcher.clock.now().timestamp() - job.live.started_at)
        if job.outcomes is None:
            return 0.0
        return job.time("runtime")

    def _finished(self, job: _One) -> float | None:
        started, runtime = job.time("started"), job.time("runtime")
        return None if started is None or runtime is None else started + runtime

    def _arguments(self, job: _One) -> dict[str, Any]:
        chunk = self._store.chunks(job.submission.sid, job.index, job.index + 1)[0]
        ((position, *_),) = chunk.positions(job.index, job.index + 1)
        return {"chunk": chunk.packed, "first": 0, "index": position}

    def _attributes(self, job: _One) -> dict[str, Any]:
        spec = job.submission.spec
        return {
            "kind": spec.kind, "priority": spec.priority, "cores": spec.cores, "type": spec.core_type,
            "max_runtime_seconds": spec.max_runtime_seconds, "restartable": spec.restartable,
            "kill_process": spec.kill_process, "profile": spec.profile, "label": spec.label,
            "fast_serialization": spec.fast_serialization, "depends_on_errors": spec.depends_on_errors,
            "depends_on": [[r.start, r.stop] for r in spec.depends_on], "os_env_vars": sorted(spec.os_env_vars),
            "parent_jid": spec.parent_jid, "python": spec.environment.cache_tag, "client": spec.client,
            "map_index": job.index if spec.kind == "map" else None,
            "shown_arguments": shown_arguments(spec, job.index) or job.noted("arguments"),
            "again": _original(spec.again, job.index),
        }  # fmt: skip

    def _attempts(self, job: _One) -> list[dict[str, Any]]:
        losses = self._store.losses(Stretch(job.submission.sid, job.index, job.index + 1))
        attempts: list[dict[str, Any]] = [
            {"attempt": loss.attempt, "ended": loss.at.timestamp(), "reason": loss.reason} for loss in losses
        ]
        if job.outcomes is not None and job.outcomes.attempt:
            attempts.append({"attempt": job.outcomes.attempt, "ended": self._finished(job), "reason": job.status.word})
        return attempts

    def _logging(self, job: _One) -> str | None:
        if job.live is None:
            noted: str | None = job.noted("logging")
            return noted
        said = self._dispatcher.engine.said(job.submission.sid, job.index, "logging", 0, MAX_OUTPUT_BYTES)
        return said.data.decode("utf-8", "replace").removesuffix("\n") or None if said is not None else None

    def _from_extra(self, name: str) -> Callable[[_One], Any]:
        return lambda job: job.noted(name)


def _original(again: Ranges, index: int) -> int | None:
    """Which job the one with this index runs once more."""
    for run in again:
        if index < len(run):
            return run[index]
        index -= len(run)
    return None
