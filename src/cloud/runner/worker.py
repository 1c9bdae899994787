"""A worker process: takes jobs from its agent, runs them one after another, publishes how each ended.

work socket --> Inbox --> Opener --> Worker.run --> Outbox --> shared ring, wake-up, large results
                                      |    ^
                                    Streams, Interrupt, kill_children
"""

import contextlib
import mmap
import os
import socket
import time
from typing import Any

from cloud.model import INLINE_MAX_BYTES, Status
from cloud.pickling import keep
from cloud.runner import extras, failure, linux
from cloud.runner.binding import Binding
from cloud.runner.channel import PipeChannel
from cloud.runner.code import have, materialise
from cloud.runner.inbox import Inbox
from cloud.runner.interrupt import Interrupt
from cloud.runner.leftovers import kill_children
from cloud.runner.logs import Logs
from cloud.runner.outbox import AgentGone, Outbox
from cloud.runner.stack import Stack
from cloud.runner.standing import Standing
from cloud.runner.streams import Streams
from cloud.runner.work import Opener, Work
from cloud.wire import worker as wire
from cloud.wire.coroutine import Coroutine, value_of
from cloud.wire.logbook import Logbook
from cloud.wire.message import Header
from cloud.wire.ring import HEAD, SIZE_BYTES, SPENT, TAIL, Ring

NO_TIME_TO_FORK_SECONDS = 50e-6
"""A shorter job cannot have started a process or rearranged its descriptors; what that costs is spared."""
WORTH_A_LOOK_SECONDS = 1e-3
"""Longer jobs leave a repr of their result."""
WORTH_MEASURING_SECONDS = 50e-3
"""Longer jobs leave their CPU time and memory."""


def main(descriptors: list[int], temporary: str) -> int:
    """Run until the agent says so or is gone; the exit status.

    Args:
        descriptors: work socket, api socket, stdout, stderr, shared memory, wake-up, epoll of the output.
        temporary: a working directory to make if the job's own does not exist here.
    """
    work_fd, api_fd, stdout, stderr, memory, wake, unread = descriptors
    ring = Ring(mmap.mmap(memory, SIZE_BYTES))
    stack = Stack(memory)
    streams = Streams(stdout, stderr, unread, ring)
    work = socket.socket(fileno=work_fd)
    inbox = Inbox(work)
    channel = PipeChannel(socket.socket(fileno=api_fd))
    runner = Worker(ring, streams, inbox, Outbox(ring, wake, work, inbox), channel, stack, temporary)
    try:
        runner.serve()
    except AgentGone:
        pass
    return 0


class Worker:
    """The loop and what it needs."""

    def __init__(self, ring: Ring, streams: Streams, inbox: Inbox, outbox: Outbox, channel: PipeChannel,
                 stack: Stack, temporary: str) -> None:  # fmt: skip
        self._ring = ring
        self._streams = streams
        self._inbox = inbox
        self._outbox = outbox
        self._channel = channel
        self._stack = stack
        self._temporary = temporary
        self._opener = Opener(inbox)
        self._interrupt = Interrupt(ring)
        self._interrupt.install()
        self._standing = Standing()
        self._usage = extras.Usage()
        self._logs = Logs(Logbook(ring), outbox.wake)
        self._binding: Binding | None = None
        self._distributions = ""
        self._pid = os.getpid()
        self._forked = False
        os.register_at_fork(after_in_child=self._note_fork)
        linux.offer_to_oom_killer()
        wire.CHANNEL = channel

    def serve(self) -> None:
        """Until the agent wants no more."""
        while not self._channel.torn:
            message = self._inbox.next(self._before_waiting, self._tidy_up)
            if message is None or message[0]["op"] == "exit":
                return
            try:
                work = self._prepare(*message)
            except Exception as error:  # a full disk, for one; what is half prepared is of no use to anybody
                self._give_up(message[0], error)
                return
            del message
            self.run(work)

    def _prepare(self, header: Header, frames: list[memoryview]) -> Work:
        if "bind" in header:
            self._bind(header["bind"], frames)
        work = self._opener.open(header, frames)
        self._distributions = work.distributions
        if self._binding is not None:
            token = {"PICLOUD_JOB_TOKEN": work.token} if work.token else {}
            self._binding.enter({**work.variables, **token})
        self._channel.token = work.token
        wire.DATALOG = work.datalog
        return work

    def _give_up(self, header: Header, error: Exception) -> None:
        text = f"The worker could not be made ready for the job: {type(error).__name__}: {error}"
        seq, end = header["seq"], header["seq"] + header["count"]
        while seq < end:
            skip = min(self._ring.begin(seq, time.monotonic()), end - seq)
            if skip:
                self._outbox.skipped(seq, seq + skip)
            else:
                self._outbox.rich(seq, Status.ERROR, 0, time.time(), 0.0, error=text)
            seq += skip or 1

    def run(self, work: Work) -> None:
        """All jobs of a message that are not taken back."""
        ring, seq, end = self._ring, work.seq, work.seq + work.count
        chunks = iter(work.chunks)
        lo = hi = 0
        monotonic, begin, channel = time.monotonic, ring.begin, self._channel
        to_index, to_jid = work.first - work.seq, work.jid - work.seq
        closely = work.call or work.profile
        offset = time.time() - monotonic()
        while seq < end:
            now = monotonic()
            skip = begin(seq, now)
            if skip:
                skip = min(skip, end - seq)
                self._outbox.skipped(seq, seq + skip)
                seq += skip
                continue
            index = to_index + seq
            while index >= hi:
                lo, hi, arguments = next(chunks)
            channel.jid = to_jid + seq
            if closely:
                self._run_closely(work, seq, arguments, index - lo, offset)
            else:
                self._run_quickly(work, seq, arguments, index - lo, offset, now)
            seq += 1

    def _run_quickly(self, work: Work, seq: int, arguments: Any, i: int, offset: float, began: float) -> None:
        """One job of a map. The interrupt is inside from before the first of the user's code to after the last; the
        outer `except` is for a kill that is raised while the inner one begins."""
        interrupt = self._interrupt
        part = failure.LOADING
        monotonic = time.monotonic
        started = ended = began
        value = None
        args: tuple[Any, ...] = ()
        try:
            try:
                interrupt.inside = seq
                function = work.loaded
                if function is None:
                    function = self._opener.function(work)
                args, kwargs = arguments[i]
                part = failure.RUNNING
                started = monotonic()
                value = function(*args, **kwargs)
                if type(value) is Coroutine:
                    value = value_of(value)
                ended = monotonic()
                part = failure.KEEPING
                parts = keep(value, work.level, work.max_bytes, work.datalog and work.log_of(seq))
                interrupt.inside = -1
            except BaseException as error:
                interrupt.inside = -1
                self._failed(seq, error, part, value, started, offset, extras.arguments(args, work.index_of(seq)))
                return
        except BaseException as error:
            self._failed(seq, error, part, value, started, offset, extras.arguments(args, work.index_of(seq)))
            return
        runtime = ended - started
        if runtime < NO_TIME_TO_FORK_SECONDS and len(parts) == 1 and len(parts[0]) <= INLINE_MAX_BYTES:
            if interrupt.raised != seq and not self._forked and not self._logs.lines:
                flags = self._streams.end_job(seq)
                self._outbox.plain(seq, flags, started + offset, runtime, parts[0])  # type: ignore[arg-type]
                return
        extra: dict[str, Any] = {}
        if runtime >= WORTH_A_LOOK_SECONDS:
            extra = {"result_repr": extras.look(value), **extras.arguments(args, work.index_of(seq))}
        self._done(seq, parts, started, runtime, offset, extra)

    def _run_closely(self, work: Work, seq: int, arguments: Any, i: int, offset: float) -> None:
        """A single call, or a job with a profile: as above, with everything that is kept of it."""
        interrupt = self._interrupt
        part = failure.LOADING
        started = ended = time.monotonic()
        value = None
        extra: dict[str, Any] = {}
        try:
            try:
                interrupt.inside = seq
                function = self._opener.function(work)
                args, kwargs = arguments[i]
                if work.profile:
                    function = extras.profiled(function, extra)
                part = failure.RUNNING
                started = time.monotonic()
                value = function(*args, **kwargs)
                if type(value) is Coroutine:
                    value = value_of(value)
                ended = time.monotonic()
                part = failure.KEEPING
                parts = keep(value, work.level, work.max_bytes, work.datalog and work.log_of(seq))
                interrupt.inside = -1
            except BaseException as error:
                interrupt.inside = -1
                self._failed(seq, error, part, value, started, offset, extra)
                return
        except BaseException as error:
            self._failed(seq, error, part, value, started, offset, extra)
            return
        extra["result_repr"] = extras.look(value)
        self._done(seq, parts, started, ended - started, offset, extra)

    def _done(self, seq: int, parts: Any, started: float, runtime: float, offset: float, extra: dict[str, Any]) -> None:
        if runtime >= NO_TIME_TO_FORK_SECONDS or self._forked:
            self._tidy()
        else:
            self._stand()
        if runtime >= WORTH_MEASURING_SECONDS:
            extra |= self._usage.since()
        elif runtime >= WORTH_A_LOOK_SECONDS:
            self._usage.start()
        if self._logs.lines:
            extra |= self._logs.take()
        flags = self._streams.end_job(seq)
        if self._interrupt.raised == seq:
            error = "The job was killed; it caught the KilledException and returned."
            self._outbox.rich(seq, Status.KILLED, flags, started + offset, runtime, error=error,
                              extra=extras.to_json(extra))  # fmt: skip
            return
        self._outbox.rich(seq, Status.DONE, flags, started + offset, runtime, result=parts, extra=extras.to_json(extra))

    def _failed(self, seq: int, error: BaseException, part: int, value: Any, started: float, offset: float,
                extra: dict[str, Any]) -> None:  # fmt: skip
        runtime = time.monotonic() - started
        killed = self._interrupt.raised == seq
        extra["machine"] = failure.machine()
        text = failure.describe(error, failure.RUNNING if killed else part, value, self._distributions)
        self._tidy()
        if runtime >= WORTH_MEASURING_SECONDS:
            extra |= self._usage.since()
        elif runtime >= WORTH_A_LOOK_SECONDS:
            self._usage.start()
        if self._logs.lines:
            extra |= self._logs.take()
        flags = self._streams.end_job(seq)
        self._outbox.rich(
            seq, Status.KILLED if killed else Status.ERROR, flags, started + offset, runtime, error=text,
            exception=b"" if killed else failure.envelope(error), extra=extras.to_json(extra),
        )  # fmt: skip

    def _tidy(self) -> None:
        if self._forked or os.getpid() != self._pid:
            os._exit(0)  # a child that the job forked and that came back from the function
        while wire.AT_JOB_END:
            with contextlib.suppress(Exception):  # it ends with its processes, below, if not by itself
                wire.AT_JOB_END.pop()()
        self._stand()
        self._streams.tidy()
        self._stack.install()
        kill_children()

    def _stand(self) -> None:
        """As before the job; else the agent ends this process once it has done what it has."""
        if not self._standing.restore():
            self._ring.words[SPENT] = 1

    def _bind(self, wanted: Header, frames: list[memoryview]) -> None:
        self._streams.use(bytes.fromhex(wanted["nonce"]))
        self._outbox.spool = wanted["spool"]
        self._channel.account = wanted["account"]
        self._channel.serves = wanted["serves"]
        folder, templates = "", os.path.dirname(self._temporary)
        have(templates)
        if "code" in wanted:
            code = wanted["code"]
            folder = materialise(templates, code["version"], code["files"], frames.pop(0))
            wire.CODE = code["version"], folder
        self._binding = Binding(wanted, self._temporary, folder)

    def _before_waiting(self) -> None:
        """Nothing left to do: an agent that sleeps by the clock is told."""
        words = self._ring.words
        if words[HEAD] != words[TAIL] and not self._outbox.told:
            self._outbox.wake()

    def _tidy_up(self) -> None:
        """What can wait is done when nobody waits for it: what short jobs may have left dies, a handler that one of
        them replaced comes back, and the next jobs' usage is counted from here."""
        self._stand()
        kill_children()
        self._interrupt.install()
        self._stack.install()
        self._usage.start()

    def _note_fork(self) -> None:
        self._forked = True
