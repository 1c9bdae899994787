"""Stacks of jobs that run: a signal makes the worker's `faulthandler` write them behind its shared memory.

The handler is C and takes no lock, so it also shows jobs that hold the interpreter lock or hang inside a C library.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloud.agent.listening import Listening, Running
from cloud.agent.signals import SignalWatch
from cloud.agent.stack_text import readable
from cloud.dispatch.ports import Stack
from cloud.wire.ring import SIZE_BYTES
from cloud.wire.worker import STACK_SIGNAL

LOOK_SECONDS = 2e-3
NOTHING_WRITTEN_SECONDS = 0.1
"""So long after the signal was taken, whoever took it was not our handler."""
GIVE_UP_SECONDS = 3.0
DUMP_MAX_BYTES = 1 << 20


@dataclass(slots=True)
class _Asked:
    job: Running
    stack: Stack
    began: float
    signal: SignalWatch | None = None
    """Once it was sent off."""
    taken_at: float | None = None


class Stacks:
    """Asks workers, one question each at a time, and takes their answers."""

    def __init__(self, listening: Listening, wake: Callable[[], None]) -> None:
        """
        Args:
            wake: has `look` called soon.
        """
        self._listening = listening
        self._wake = wake
        self._asked: dict[int, _Asked] = {}

    def ask(self, sid: int, index: int) -> Stack | None:
        """See `Engine.stack`."""
        job = self._listening.find(sid, index)
        if job is None:
            return None
        before = self._asked.get(job.worker.number)
        if before is not None and before.job.seq == job.seq:
            return before.stack
        stack = Stack()
        self._asked[job.worker.number] = _Asked(job, stack, time.monotonic())
        self._wake()
        return stack

    def look(self, now: float) -> None:
        """Take a step with each question."""
        for number, asked in list(self._asked.items()):
            self._step(asked, now)
            if asked.stack.answered:
                del self._asked[number]
                self._listening.tell(asked.job)

    def next_deadline(self) -> float | None:
        """When to look again."""
        return time.monotonic() + LOOK_SECONDS if self._asked else None

    def _step(self, asked: _Asked, now: float) -> None:
        job, worker = asked.job, asked.job.worker
        if not job.still:
            asked.stack.fault = "it ended at this moment"
        elif asked.signal is None:
            if worker.pid:
                self._send(asked)
        elif worker.signalled and asked.signal.dealt_with():
            asked.taken_at = asked.taken_at or now
            dump = _dump(worker.memory)
            if dump and not asked.signal.known and now - asked.taken_at < NOTHING_WRITTEN_SECONDS:
                return  # there may be more of it
            if dump or now - asked.taken_at > NOTHING_WRITTEN_SECONDS:
                asked.stack.text = readable(dump)
                asked.stack.fault = "" if asked.stack.text else f"the job handles signal {STACK_SIGNAL} itself"
        if not asked.stack.answered and now - asked.began > GIVE_UP_SECONDS:
            asked.stack.fault = (
                f"its process has not taken signal {STACK_SIGNAL} for {GIVE_UP_SECONDS:.0f} seconds: it is stopped, or "
                f"blocks the signal, or the kernel is doing something for it that cannot be interrupted"
            )

    def _send(self, asked: _Asked) -> None:
        worker = asked.job.worker
        signal = SignalWatch(worker.pid, STACK_SIGNAL)
        if not signal.caught:
            asked.stack.fault = f"the job took away the handler of signal {STACK_SIGNAL}, which would show it"
            return
        asked.signal = signal
        if signal.pending:
            worker.signalled = True  # the one before will do
            return
        worker.signalled = False
        os.ftruncate(worker.memory, SIZE_BYTES)
        os.lseek(worker.memory, SIZE_BYTES, os.SEEK_SET)  # the worker writes through the same open file
        worker.template.show_stack(worker.number)


def _dump(memory: int) -> str:
    return os.pread(memory, DUMP_MAX_BYTES, SIZE_BYTES).decode("ascii", "replace")
