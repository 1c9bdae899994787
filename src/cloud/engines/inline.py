"""The inline engine: jobs run in this very process, one at a time, where a debugger can stop in them.

Only the simulator composes it (with user code in its own process there is nothing left to protect), so it opens what
the client pickled, as a worker would. It runs nothing by itself: whoever asks for jobs calls `take` and `run`.
"""

import cProfile
import json
import os
import select
import sys
import threading
import time
import traceback
from array import array
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from cloud import pickling
from cloud.dispatch.ports import (
    Blobs,
    Blocked,
    Claim,
    EngineState,
    Event,
    Finished,
    Live,
    Said,
    Seat,
    Stack,
    Wanted,
    Work,
    WorkerState,
)
from cloud.engines.alarm import Alarm, obstacle
from cloud.engines.running import Running
from cloud.engines.tee import Tee
from cloud.model import CORE_TYPES, INLINE_MAX_BYTES, Buffer, Column, Outcomes, Piece, Ranges, Spec, Status, Submission
from cloud.wire.profile import table

_LARGEST_EXCEPTION = 256 * 1024
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class InlineEngine:
    """See `Engine`. A job that waits for others lends its place to those, as on a server."""

    survives = False

    spreads = False
    types: Collection[str] = CORE_TYPES

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._ready: deque[Work] = deque()
        self._events: deque[Event] = deque()  # one thread may add while another takes
        self._running: list[Running] = []
        self._waiting: list[tuple[range, ...]] = []
        self.open = False
        """Whether jobs are taken: only by those who are about to run them."""

    # --- for whoever runs jobs

    def take(self) -> Work | None:
        """The next job to run, if there is one."""
        return self._ready.popleft() if self._ready else None

    def run(self, work: Work) -> BaseException | None:
        """Run a job that was taken; without the dispatcher's lock. Returns what must not be kept from the user, a
        KeyboardInterrupt; everything else is the job's outcome."""
        outer = self._mine()
        with outer.set_aside() if outer is not None else nullcontext():
            return self._run(work)

    def _run(self, work: Work) -> BaseException | None:
        spec = work.submission.spec
        started, begun = time.time(), time.monotonic()
        with Tee.on("stdout") as stdout, Tee.on("stderr") as stderr, _variables(spec.os_env_vars):
            running = Running(work, threading.get_ident(), started, stdout, stderr)
            if spec.max_runtime_seconds is not None and not obstacle():
                running.alarm = Alarm(spec.max_runtime_seconds)
            if spec.profile:
                running.profile = cProfile.Profile()
            self._running.append(running)
            try:
                end = self._attempt(running)
            finally:
                self._running.remove(running)
        end.outcomes.started = array("d", [started])
        end.outcomes.runtime = array("d", [time.monotonic() - begun])
        extra: dict[str, Any] = {}
        dropped = {}
        for stream, tee in (("stdout", stdout), ("stderr", stderr)):
            dropped[stream], kept = tee.kept()
            setattr(end.outcomes, stream, Column.of([kept]))
        if any(dropped.values()):
            extra["dropped"] = dropped
        if running.profile is not None:
            extra["profile"] = table(running.profile)
        if extra:
            end.outcomes.extra = Column.of([json.dumps(extra).encode()])
        self._events.append(Finished(work.claim.cid, end.outcomes))
        return end.interrupt

    def jid(self) -> int | None:
        """The job that runs in this thread, if one does."""
        mine = self._mine()
        return None if mine is None else mine.work.submission.jids[mine.work.claim.lo]

    def _mine(self) -> Running | None:
        """What runs in this thread; of several the innermost, for which the others wait."""
        return next((r for r in reversed(self._running) if r.thread == threading.get_ident()), None)

    @contextmanager
    def lent_for(self, jids: Ranges) -> Iterator[None]:
        """While a job of this thread waits for these jobs, they may run."""
        self._waiting.append(jids)
        try:
            yield
        finally:
            self._waiting.remove(jids)

    def _attempt(self, running: Running) -> "_End":
        work = running.work
        index = work.claim.lo
        try:
            function = pickling.load_function(self._bytes(work.function))
            chunk = next(c for c in work.chunks if c.first <= index < c.first + c.count)
            ((position, *_),) = chunk.positions(index, index + 1)
            args, kwargs = pickling.Arguments(self._bytes(chunk.packed))[position]
        except Exception as error:
            return _failed(work, error, "Could not depickle job\n")
        try:
            value = running.call(function, args, kwargs)
        except KeyboardInterrupt as error:
            end = _failed(work, error, "Interrupted from the keyboard\n", Status.KILLED)
            end.interrupt = error
            return end
        except BaseException as error:  # SystemExit too: it ends the job, not the program
            if running.alarm is not None and running.alarm.over:
                return _failed(work, error, _late(work), Status.KILLED)
            return _failed(work, error)
        if running.alarm is not None and running.alarm.over:
            caught = "The job was killed; it caught the KilledException and returned.\n"
            return _ended(work, (caught + _late(work)).encode(), Status.KILLED)
        try:
            spec = work.submission.spec
            log = pickling.log_of(spec.datalog, None if spec.kind == "call" else index)
            most = spec.max_transmit_data or pickling.MAX_BYTES
            return self._done(work, pickling.keep(value, spec.fast_serialization, most, log))
        except pickling.ExcessiveData as error:
            return _failed(work, error)
        except Exception as error:
            return _failed(work, error, f"The result, a {type(value).__name__}, could not be pickled: {error}\n")

    def _done(self, work: Work, parts: list[Buffer]) -> "_End":
        claim = work.claim
        outcomes = Outcomes(claim.sid, claim.lo, 1, bytes([Status.DONE]), claim.attempt)
        if sum(memoryview(part).nbytes for part in parts) > INLINE_MAX_BYTES:
            name = f"results/{claim.sid}/{claim.lo}-{claim.attempt}"
            outcomes.blobs[claim.lo] = self._blobs.put(name, parts)
        else:
            outcomes.result = Column.of([b"".join(parts)])
        return _End(outcomes)

    def _bytes(self, piece: Piece) -> Buffer:
        return piece if isinstance(piece, (bytes, bytearray, memoryview)) else self._blobs.read(piece.name)

    # --- Engine

    def refuse(self, spec: Spec) -> str | None:
        """Never: this process pickled it."""
        return None

    def add_interpreter(self, tag: str, executable: str) -> None:
        """There are no interpreters here."""

    def offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """One job, when none runs or one that runs waits for it."""
        if not self.open or self._ready or (self._running and lent_by is None):
            return []
        return [Seat(0, 1)]

    def pool(self, spec: Spec) -> str:
        """All slots are alike."""
        del spec
        return ""

    def used_by(self) -> dict[int, int]:
        """One job at a time, whosever it is."""
        return {}

    def crowded(self, wanted: Wanted) -> bool:
        """It was refused because another runs."""
        del wanted
        return True

    def has_room(self) -> bool:
        """Whether nothing is about to run."""
        return self.open and not self._ready and not self._running

    def expected_seconds(self, function: str) -> float | None:
        """Unknown, so that no job runs inside a transaction."""
        return None

    def wait(self, seconds: float) -> None:
        """Asleep."""
        select.select([self.fileno()], (), (), seconds)

    def start(self, work: Sequence[Work]) -> None:
        """Keep for `take`."""
        self._ready.extend(work)

    def poll(self) -> list[Event]:
        """What ended."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def stored(self) -> None:
        """What happened here is remembered by nobody else anyway."""

    def taken_over(self) -> Collection[str]:
        """There are no agents."""
        return ()

    def adopt(self, claims: Sequence[Claim], submissions: Mapping[int, Submission]) -> dict[int, Ranges]:
        """Nothing outlives this engine."""
        return {}

    def fileno(self) -> int:
        """There is none: nothing happens here that its caller does not do."""
        return -1

    def next_deadline(self) -> float | None:
        """None: nothing happens by itself."""
        return None

    def kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """What has not begun; a job that runs has the thread that would have to end it."""
        for work in [w for w in self._ready if w.claim.cid == cid and lo <= w.claim.lo < hi]:
            self._ready.remove(work)
            claim = work.claim
            killed = Outcomes.uniform(claim.sid, claim.lo, claim.hi, Status.KILLED, reason)
            killed.attempt = claim.attempt
            self._events.append(Finished(cid, killed))

    def blocked(self) -> list[Blocked]:
        """What the job that runs waits for."""
        return [Blocked(0, jids) for jids in self._waiting[-1:]]

    def live(self, sid: int, index: int) -> Live | None:
        """A job that runs now, else None."""
        running = self._find(sid, index)
        if running is None:
            return None
        return Live(running.started, running.stdout.text(), running.stderr.text(), os.getpid())

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """What was printed; nothing is kept of `logging` here."""
        running = self._find(sid, index)
        if running is None:
            return None
        dropped, kept = (running.stderr if stream == "stderr" else running.stdout).kept()
        if stream == "logging":
            dropped, kept = 0, b""
        start = max(start, dropped)
        return Said(start, kept[start - dropped :][:max_bytes], running.work.claim.attempt)

    def follow(self, sid: int, index: int) -> None:
        """Whoever follows must look from time to time: nobody is woken here."""

    def heard(self) -> Collection[tuple[int, int]]:
        """Nothing."""
        return ()

    def stack(self, sid: int, index: int) -> Stack | None:
        """Of the one thread that runs it, without what called the job."""
        running = self._find(sid, index)
        frame = None if running is None else sys._current_frames().get(running.thread)
        if running is None or frame is None:
            return None
        frames = traceback.extract_stack(frame)
        ours = [i for i, f in enumerate(frames) if f.filename == __file__ and f.name == "_attempt"]
        inner = dropwhile(lambda f: _is_ours(f.filename), frames[ours[-1] + 1 :] if ours else frames)
        lines = traceback.format_list(list(inner))
        return Stack("".join(["Main thread (most recent call last):\n", *lines]))

    def _find(self, sid: int, index: int) -> Running | None:
        """A job that runs now, else None."""
        found = (r for r in self._running if (r.work.claim.sid, r.work.claim.lo) == (sid, index))
        return next(found, None)

    def delay(self, sid: int, index: int) -> str | None:
        """Nothing is known."""
        del sid, index
        return None

    def state(self) -> EngineState:
        """One slot, this process."""
        busy = len(self._running)
        return EngineState(1, 1, min(1, busy), max(0, busy - 1), [pickling.CACHE_TAG])

    def workers(self, most: int) -> list[WorkerState]:
        """None: jobs run in the program itself."""
        return []

    def abandon(self) -> None:
        """Forget what has not begun."""
        self._ready.clear()


@dataclass(slots=True)
class _End:
    outcomes: Outcomes
    interrupt: BaseException | None = None


def _failed(work: Work, error: BaseException, before: str = "", status: Status = Status.ERROR) -> _End:
    told = traceback.TracebackException(type(error), error, error.__traceback__)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not _is_ours(frame.filename)])
    text = before + "".join(told.format())
    return _ended(work, text.encode("utf-8", "replace"), status, pickling.pack_exception(error, _LARGEST_EXCEPTION))


def _ended(work: Work, text: bytes, status: Status, raised: bytes = b"") -> _End:
    claim = work.claim
    outcomes = Outcomes(claim.sid, claim.lo, 1, bytes([status]), claim.attempt)
    outcomes.error = Column.of([text])
    outcomes.exception = Column.of([raised])
    return _End(outcomes)


def _late(work: Work) -> str:
    minutes = (work.submission.spec.max_runtime_seconds or 0) / 60
    return f"The job ran longer than _max_runtime ({minutes:g} minutes).\n"


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS) or file == cProfile.__file__


@contextmanager
def _variables(given: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
