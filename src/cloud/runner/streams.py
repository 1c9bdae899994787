"""The worker's standard output and error: pipes to the agent, with an end mark behind each job that wrote something."""

import array
import contextlib
import ctypes
import faulthandler
import fcntl
import io
import os
import select
import sys
import termios
from collections.abc import Callable

from cloud.wire.ring import ERRORS_MARKED, ERRORS_TAKEN, OUTPUT_MARKED, OUTPUT_TAKEN, Ring
from cloud.wire.worker import MARK


class Streams:
    """Descriptors 1 and 2 and the Python files on them.

    The bytes in a pipe belong to the job that runs, unless a mark follows. A job gets its mark if its pipe is not empty
    or if the agent has taken bytes that no mark followed yet. The agent says so *before* it reads, and the runner looks
    at the pipe first and at the agent's word afterwards, so bytes cannot slip between the two looks.
    """

    def __init__(self, stdout: int, stderr: int, unread: int, ring: Ring) -> None:
        self._stdout, self._stderr = stdout, stderr
        self._unread = select.epoll.fromfd(unread).poll
        self._words = ring.words
        self._nonce = bytes(16)
        self._pending = array.array("i", [0])
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]
        self._out = _text(1)
        self._err = _text(2)
        self.restore()
        sys.__stdout__, sys.__stderr__ = self._out, self._err  # type: ignore[misc]
        faulthandler.enable(stderr)
        self._flush_c = _line_buffered_c()

    def use(self, nonce: bytes) -> None:
        """What makes this worker's marks unmistakable."""
        self._nonce = nonce

    def restore(self) -> None:
        """Undo what a job may have done to the standard files, and empty the buffers of C."""
        if sys.stdout is not self._out or sys.stderr is not self._err:
            for file in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    file.flush()
        if self._out.closed:
            self._out = _text(1)
        if self._err.closed:
            self._err = _text(2)
        sys.stdout, sys.stderr = self._out, self._err

    def tidy(self) -> None:
        """After a job that had time to do something to its descriptors."""
        for fd in (self._stdout, self._stderr):
            os.set_blocking(fd, True)  # programs that it started may have asked for the contrary, and share the pipe
        self.restore()
        self._flush_c()
        with contextlib.suppress(Exception):
            self._out.flush()
        with contextlib.suppress(Exception):
            self._err.flush()
        os.dup2(self._stdout, 1)
        os.dup2(self._stderr, 2)

    def end_job(self, seq: int) -> int:
        """Flush, mark what needs a mark; the marks' flags for the record."""
        flags = 0
        try:
            self._out.flush()
            self._err.flush()
        except (OSError, ValueError):
            self.restore()
        if not self._unread(0, 1) and not self._words[OUTPUT_TAKEN] and not self._words[ERRORS_TAKEN]:
            return 0  # as most; one question about both pipes, because a system call is a part of what a tiny job takes
        pending = self._pending
        fcntl.ioctl(self._stdout, termios.FIONREAD, pending)
        if pending[0] or self._words[OUTPUT_TAKEN]:
            self._mark(self._stdout, seq)
            flags = OUTPUT_MARKED
        fcntl.ioctl(self._stderr, termios.FIONREAD, pending)
        if pending[0] or self._words[ERRORS_TAKEN]:
            self._mark(self._stderr, seq)
            flags |= ERRORS_MARKED
        return flags

    def _mark(self, fd: int, seq: int) -> None:
        mark = MARK.pack(self._nonce, seq)
        try:
            os.write(fd, mark)
        except BlockingIOError:  # the job was too short for `tidy`
            os.set_blocking(fd, True)
            os.write(fd, mark)


def _text(fd: int) -> io.TextIOWrapper:
    """Line-buffered, so that output is live; whatever a job prints can be encoded."""
    return open(fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)


def _line_buffered_c() -> Callable[[], object]:
    """Make C's own stdout line-buffered; a function that flushes it."""
    try:
        libc = ctypes.CDLL(None)
        libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 1, 0)
        return lambda: libc.fflush(None)
    except (OSError, ValueError, AttributeError):
        return lambda: None
