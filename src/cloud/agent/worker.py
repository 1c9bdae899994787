"""The agent's end of one worker process: its queue of jobs, its sockets, its pipes, its shared memory."""

import contextlib
import mmap
import os
import select
import socket
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud.agent.batch import Batch, Kill
from cloud.agent.outgoing import Outgoing
from cloud.agent.stream import Stream
from cloud.agent.tail import Written
from cloud.agent.template import Template
from cloud.agent.watch import Watch
from cloud.dispatch.ports import Work
from cloud.model import Buffer
from cloud.wire.logbook import Logbook
from cloud.wire.message import encode
from cloud.wire.ring import ERRORS_TAKEN, HEAD, OUTPUT_TAKEN, RECORDS, SIZE_BYTES, Ring
from cloud.wire.worker import CACHED_CHUNKS, CACHED_FUNCTIONS, LARGE, Recent

LAST_SEQ = 1 << 31
"""A worker that was handed so many jobs gives way to another, long before `Ring.cut` has no room for their numbers."""
_CONTROL_SPACE = socket.CMSG_SPACE(16 * 4)


@dataclass(slots=True)
class Promise:
    """Jobs that were offered a seat here and are not started yet."""

    account: int
    jobs: int
    seconds: float
    alone: bool
    """Nothing may be queued behind them."""


class Worker:
    """A worker. `batches` is what it has and no record came for, ascending by seq, without what was taken back."""

    signalled = False
    """It was sent `STACK_SIGNAL` since this was last set to False."""
    devices = ""
    """GPUs that it sees, where they are parted (`Binding`)."""
    weighed_at = 0.0
    """When its memory was looked at last; monotonic."""

    def __init__(self, number: int, template: Template, wake: int, watch: Watch) -> None:
        """Make its channels and have it forked. Does not wait for that: what is sent meanwhile waits in the sockets.

        Raises:
            OSError: there are no more descriptors, or no more memory.
        """
        self.number = number
        self.template = template
        self.pid = 0
        self.account: int | None = None
        self.environment = ""
        """Key of the environment it is bound to."""
        self.batches: deque[Batch] = deque()
        self.next_seq = 0
        self.tail = 0
        """First seq whose record was not taken yet."""
        self.position = 0
        self.cores = 1
        self.promise: Promise | None = None
        """What offers hold of it until the next start or poll."""
        self.kill: Kill | None = None
        self.doomed = False
        """It is being killed or was told to exit."""
        self.leaving = False
        """It takes no work beyond what it has, and exits then."""
        self.closed = False
        self.doom_deadline: float | None = None
        self.waits_for: tuple[range, ...] | None = None
        """The jids its job waits for, while it does."""
        self.lent_by: int | None = None
        self.idle_since = time.monotonic()
        self.late = -1
        """A job that ran so much longer than expected that the others were taken back; no more come while it runs."""
        self.look_again: float | None = None
        """When to look into the ring without being woken."""
        self.nonce = b"\xff" + os.urandom(15)  # no text ends like a mark begins, so none is held back
        self.outputs: dict[int, dict[int, Written]] = {}
        self.terms: dict[str, Any] = {}
        """What it was told last of a submission's terms (`parcel`)."""
        self.functions, self.chunks = Recent(CACHED_FUNCTIONS), Recent(CACHED_CHUNKS)
        self.files: dict[int, tuple[int, int]] = {}
        """Seq to descriptor and size of a large result."""
        self._window = (0, 0)
        self._open(wake, watch)

    def _open(self, wake: int, watch: Watch) -> None:
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self.memory = memory = os.memfd_create("picloud-ring")
            undo.callback(os.close, memory)
            os.ftruncate(memory, SIZE_BYTES)
            self.ring = Ring(mmap.mmap(memory, SIZE_BYTES))
            self.log = Logbook(self.ring)
            self.work, work = socket.socketpair()
            undo.callback(self.work.close)
            theirs.callback(work.close)
            self.api, api = socket.socketpair()
            undo.callback(self.api.close)
            theirs.callback(api.close)
            pipes = []
            for _ in range(2):
                read, write = os.pipe()
                undo.callback(os.close, read)
                theirs.callback(os.close, write)
                os.set_blocking(read, False)
                pipes.append((read, write))
            (out, out_write), (err, err_write) = pipes
            self.work.setblocking(False)
            self.api.setblocking(False)
            self.work.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.out = Stream(out, self.ring, OUTPUT_TAKEN, self.nonce)
            self.err = Stream(err, self.ring, ERRORS_TAKEN, self.nonce)
            self.to_work = Outgoing(self.work, lambda waits: watch.writing(self.work.fileno(), waits))
            self.to_api = Outgoing(self.api, lambda waits: watch.writing(self.api.fileno(), waits))
            unread = theirs.enter_context(select.epoll())
            unread.register(out, select.EPOLLIN)
            unread.register(err, select.EPOLLIN)
            descriptors = [work.fileno(), api.fileno(), out_write, err_write, memory, wake, unread.fileno()]
            if not self.template.spawn(self.number, descriptors):
                raise ConnectionError("the template is gone")
            undo.pop_all()

    def close(self) -> None:
        """Let go of everything; the process is gone."""
        self.closed = True
        self.to_work.close()
        self.to_api.close()
        self.work.close()
        self.api.close()
        for stream in (self.out, self.err):
            os.close(stream.fd)
        for fd, _ in self.files.values():
            os.close(fd)
        self.files.clear()
        self.ring.close()
        os.close(self.memory)

    @property
    def bound(self) -> bool:
        """Whether it belongs to an account and environment."""
        return self.account is not None

    @property
    def busy(self) -> bool:
        """Whether it has jobs, or may be about to skip some."""
        return bool(self.batches)

    @property
    def taken(self) -> bool:
        """Whether it has jobs or was promised some."""
        return bool(self.batches) or self.promise is not None

    @property
    def used_up(self) -> bool:
        """Whether it was handed so many jobs that it is to get no more."""
        return self.next_seq >= LAST_SEQ

    @property
    def held(self) -> int:
        """How many jobs it has."""
        return sum(batch.hi - batch.lo for batch in self.batches)

    def hold(self, account: int, jobs: int, seconds: float, *, alone: bool) -> None:
        """Promise it to so many more jobs."""
        if self.promise is None:
            self.promise = Promise(account, 0, 0.0, alone=False)
        self.promise.jobs += jobs
        self.promise.seconds += seconds
        self.promise.alone |= alone

    @property
    def room(self) -> int:
        """How many more its ring can number."""
        return RECORDS - (self.next_seq - self.tail) - (self.promise.jobs if self.promise else 0)

    def add(self, work: Work, parts: Sequence[Buffer], descriptors: Sequence[int]) -> None:
        """Hand over a claim; `parts` is the WORK message that was made for `next_seq`."""
        count = work.claim.hi - work.claim.lo
        self.batches.append(Batch(work, self.next_seq, self.next_seq + count, work.claim.lo))
        self.next_seq += count
        self.cores = max(1, work.submission.spec.cores)
        self.to_work.send(parts, descriptors)

    def take_back(self, lo: int) -> list[Batch]:
        """All jobs with a seq from `lo` on that certainly have not started, last first; they will not start.

        At most one job from `lo` on is left in `batches`: it runs, or has just been skipped, and its record says which.
        """
        old_lo, old_hi = self._window
        if self.ring.words[HEAD] < old_hi:
            lo = min(lo, old_lo)  # the earlier window is still needed: cover it
        self._window = lo, self.next_seq
        sure = self.ring.cut(lo, self.next_seq)
        removed = []
        while self.batches and self.batches[-1].hi > sure:
            last = self.batches[-1]
            removed.append(self.batches.pop() if last.lo >= sure else last.split(sure))
        return removed

    def running(self) -> Batch | None:
        """The batch whose job runs now, if it is one of ours."""
        seq = self.ring.running()
        if seq is not None:
            for batch in self.batches:
                if batch.lo <= seq < batch.hi:
                    return batch
        return None

    def tell(self, op: str) -> None:
        """A message without anything else."""
        self.to_work.send(encode({"op": op}))

    def receive_files(self) -> bool:
        """Take large results off the work socket; False when the process is gone."""
        while True:
            try:
                data, ancillary, _, _ = self.work.recvmsg(LARGE.size, _CONTROL_SPACE, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if len(data) < LARGE.size:
                return False
            seq, size = LARGE.unpack(data)
            for _, _, content in ancillary:
                fds = array("i")
                fds.frombytes(content)
                self.files[seq] = fds[0], size
