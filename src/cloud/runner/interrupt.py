"""SIGINT as a kill: raised inside the job that is meant, and inside no other."""

import signal
from types import FrameType

from cloud.errors import KilledException
from cloud.wire.ring import KILL, Ring


class Interrupt:
    """The agent writes the seq it means into the shared memory before it has SIGINT sent. By the time the signal is
    handled that job may be over and the next one running, so the handler compares, and raises only while the main
    thread is inside the user's part of that very job: `inside` is its seq, -1 whenever the runner is in its own code.
    """

    def __init__(self, ring: Ring) -> None:
        self.inside = -1
        self.raised = -1
        """The job in which the exception was raised last; it ends as killed even if it swallowed the exception."""
        self._words = ring.words

    def install(self) -> None:
        """Also puts the handler back when a job replaced it."""
        if signal.getsignal(signal.SIGINT) != self._handle:
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        seq = self.inside
        if seq >= 0 and self._words[KILL] == seq + 1:
            self.inside = -1  # once per job
            self.raised = seq
            raise KilledException
