"""What the running job logged last, in the memory that its worker shares with the agent: written without a system call,
and read when somebody wants to know.

Positions count bytes, from the job's first. The runner wakes the agent only when the agent asked for the next line:

    runner: writes the line, then LOG_HEAD, fence, reads LOG_WANTED     agent: writes LOG_WANTED, fence, reads LOG_HEAD
"""

import threading

from cloud.wire.ring import LOG_BYTES, LOG_HEAD, LOG_JOB, LOG_START, LOG_WANTED, STARTED, Ring, fence

LINE_MAX_BYTES = LOG_BYTES // 4
KEPT_BYTES = LOG_BYTES - LINE_MAX_BYTES
"""So much of a job's log is there at any moment, also while the next line is being written."""


class Logbook:
    """Both sides' view."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def write(self, line: bytes) -> bool:
        """Runner: add a line, `LINE_MAX_BYTES` at most, of the job that runs; True when the agent is to be woken."""
        words, size = self._ring.words, len(line)
        job, head = words[STARTED], words[LOG_HEAD]
        if words[LOG_JOB] != job:
            words[LOG_START] = head
            words[LOG_JOB] = job
        at = head % LOG_BYTES
        first = min(size, LOG_BYTES - at)
        self._ring.log[at : at + first] = line[:first]
        self._ring.log[: size - first] = line[first:]
        words[LOG_HEAD] = head + size
        threading.Lock().acquire()  # a fence that a kill, which is raised anywhere here, cannot leave locked
        if words[LOG_WANTED]:
            words[LOG_WANTED] = 0
            return True
        return False

    def want(self) -> bool:
        """Agent: have the next line tell; whether one came since this was last said, so that nobody knows of it."""
        words = self._ring.words
        came = not words[LOG_WANTED]
        words[LOG_WANTED] = 1
        fence()
        return came

    def of(self, seq: int) -> tuple[int, bytes]:
        """Agent: where what is there of this job's log begins, and what is there."""
        words = self._ring.words
        if words[LOG_JOB] != seq + 1:
            return 0, b""
        begin, head = words[LOG_START], words[LOG_HEAD]
        start = max(begin, head - KEPT_BYTES)
        a, b = start % LOG_BYTES, head % LOG_BYTES
        log = self._ring.log
        data = bytes(log[a:b]) if a <= b else bytes(log[a:]) + bytes(log[:b])
        overwritten = max(0, words[LOG_HEAD] - KEPT_BYTES - start)
        if words[LOG_JOB] != seq + 1:
            return 0, b""
        return start + overwritten - begin, data[overwritten:]
