"""The memory a worker shares with its agent: what runs now, how jobs ended, and which jobs must not start.

    header      words of 8 bytes, each written by one side only (all but ASLEEP, NEED_SPACE and LOG_WANTED, handshakes)
    columns     status, flags, started, runtime, end of data: one entry per job, at its number modulo `RECORDS`
    data        a ring of bytes, the records' bodies back to back
    log         a ring of bytes, what jobs log (`logbook`)

Every job that is handed to a worker has the next *seq* of that worker, from 0, and every seq gets exactly one record,
in order: an outcome, or `SKIPPED` for a job that was taken back before it started. So a batch of plain outcomes is a
few slices for the agent, without a step per job.

Two handshakes here have the form "I write X and read Y, you write Y and read X", which a processor may reorder. `fence`
forbids it. They are:

    taking back   agent: writes CUT, fence, reads STARTED        runner: writes STARTED, fence, reads CUT
                  a seq that STARTED does not cover will never start; of what it covers, a record comes.
    sleeping      agent: writes ASLEEP, fence, reads HEAD        runner: writes HEAD, fence, reads ASLEEP
                  either the agent sees the record or the runner sees that it must wake the agent.
"""

import mmap
import threading
from array import array
from dataclasses import dataclass

RECORDS = 8192
"""Most jobs between the agent's TAIL and the last one handed over; a power of two."""
DATA_BYTES = 2 << 20
"""A power of two, more than the largest record."""
RECORD_MAX_BYTES = 1 << 20
LOG_BYTES = 1 << 18

# Words written by the runner.
STARTED, HEAD, DATA_HEAD, STARTED_AT, NEED_SPACE, LOG_JOB, LOG_START, LOG_HEAD, SPENT = 0, 1, 2, 3, 4, 5, 6, 7, 8
# Words written by the agent, on cache lines of their own.
TAIL, DATA_TAIL, CUT, KILL, ASLEEP, OUTPUT_TAKEN, ERRORS_TAKEN, LOG_WANTED = 16, 17, 18, 19, 20, 21, 22, 23
_WORDS = 32

PLAIN = 0
RICH = 1
"""The body is `BODY` lengths and then result, error, exception, extra; otherwise it is the result."""
LARGE = 2
"""The result is in a file whose descriptor came over the work socket before this record."""
OUTPUT_MARKED = 4
ERRORS_MARKED = 8
"""An end mark with this seq was written into the pipe: what lies before it is this job's or an older one's."""
SKIPPED = 16
"""Did not start."""

_STATUS = 8 * _WORDS
_FLAGS = _STATUS + RECORDS
_BEGAN = _FLAGS + RECORDS
_RUNTIME = _BEGAN + 8 * RECORDS
_ENDS = _RUNTIME + 8 * RECORDS
_DATA = _ENDS + 8 * RECORDS
_LOG = _DATA + DATA_BYTES
SIZE_BYTES = _LOG + LOG_BYTES

_LOW = 0xFFFFFFFF
_lock = threading.Lock()
_acquire, _release = _lock.acquire, _lock.release


def fence() -> None:
    """Order all memory accesses before with all after: an uncontended lock is a locked instruction, nothing cheaper
    is within Python's reach. (Called under the agent's one thread or the runner's main thread.)"""
    _acquire()
    _release()


@dataclass(slots=True)
class Records:
    """Consecutive records as columns."""

    status: bytes
    flags: bytes
    started: "array[float]"
    runtime: "array[float]"
    ends: "array[int]"
    """Positions in the ring of bytes."""


class Ring:
    """Both sides' view of the memory."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory = memory
        view = memoryview(memory)
        self.words = view[:_STATUS].cast("Q")
        self._times = view[:_STATUS].cast("d")
        self._status = view[_STATUS:_FLAGS]
        self._flags = view[_FLAGS:_BEGAN]
        self._began = view[_BEGAN:_RUNTIME].cast("d")
        self._runtime = view[_RUNTIME:_ENDS].cast("d")
        self._ends = view[_ENDS:_DATA].cast("Q")
        self._data = view[_DATA:_LOG]
        self.log = view[_LOG:SIZE_BYTES]
        self._data_head = 0

    def close(self) -> None:
        """Unmap."""
        for view in (self.words, self._times, self._status, self._flags, self._began, self._runtime, self._ends):
            view.release()
        self._data.release()
        self.log.release()
        self.memory.close()

    # the runner's side

    def begin(self, seq: int, monotonic: float = 0.0) -> int:
        """Announce that `seq` starts, and when; the number of jobs to skip instead, 0 when it may."""
        words = self.words
        self._times[STARTED_AT] = monotonic  # first: whoever sees a job begun sees its own time
        words[STARTED] = seq + 1
        _acquire()
        _release()
        cut = words[CUT]
        high = cut >> 32
        if high > seq >= cut & _LOW:
            return high - seq
        return 0

    def fits(self, size: int) -> bool:
        """Whether a body of this size may be published now."""
        return self._data_head + size - self.words[DATA_TAIL] <= DATA_BYTES

    def publish(self, seq: int, status: int, flags: int, started: float, runtime: float, body: bytes) -> bool:
        """Add the record of `seq`; True when the agent sleeps and must be woken. The body must fit."""
        start, size = self._data_head, len(body)
        end = start + size
        place = start & (DATA_BYTES - 1)
        if place + size <= DATA_BYTES:
            self._data[place : place + size] = body
        else:
            first = DATA_BYTES - place
            self._data[place:] = body[:first]
            self._data[: len(body) - first] = body[first:]
        slot = seq & (RECORDS - 1)
        self._status[slot] = status
        self._flags[slot] = flags
        self._began[slot] = started
        self._runtime[slot] = runtime
        self._ends[slot] = self._data_head = end
        words = self.words
        words[HEAD] = seq + 1
        _acquire()
        _release()
        if words[ASLEEP]:
            words[ASLEEP] = 0
            return True
        return False

    # the agent's side

    def cut(self, lo: int, hi: int) -> int:
        """Forbid lo..hi-1 to start; the first seq that certainly will not. Earlier windows must not be needed any more
        unless this one covers them."""
        self.words[CUT] = hi << 32 | lo
        fence()
        return max(lo, self.words[STARTED])

    def running(self) -> int | None:
        """The seq that began and has no record yet; it may also be about to be skipped."""
        started = self.words[STARTED]
        return started - 1 if started > self.words[HEAD] else None

    def running_since(self) -> float:
        """When the running job started, on the monotonic clock; to be read after `running`, which must say the same
        again afterwards."""
        return self._times[STARTED_AT]

    def wake_me(self) -> bool:
        """Ask to be woken by the next record; False when one is there already."""
        words = self.words
        words[ASLEEP] = 1
        fence()
        return words[HEAD] == words[TAIL]

    def let_me_sleep(self) -> None:
        """Take `wake_me` back."""
        self.words[ASLEEP] = 0

    def records(self, lo: int, hi: int) -> Records:
        """Columns of lo..hi-1, which must not pass a multiple of `RECORDS`."""
        a = lo & (RECORDS - 1)
        b = a + hi - lo
        return Records(
            bytes(self._status[a:b]), bytes(self._flags[a:b]), array("d", bytes(self._began[a:b])),
            array("d", bytes(self._runtime[a:b])), array("Q", bytes(self._ends[a:b])),
        )  # fmt: skip

    def bytes_between(self, start: int, end: int) -> bytes:
        """Bodies from one position to another."""
        a, b = start & (DATA_BYTES - 1), end & (DATA_BYTES - 1)
        if a <= b and end - start < DATA_BYTES:
            return bytes(self._data[a:b])
        return bytes(self._data[a:]) + bytes(self._data[:b])

    def release(self, seq: int, position: int) -> bool:
        """Give the space of records before `seq` back; True when the runner waits for it."""
        words = self.words
        words[DATA_TAIL] = position
        words[TAIL] = seq
        fence()
        if words[NEED_SPACE]:
            words[NEED_SPACE] = 0
            return True
        return False
