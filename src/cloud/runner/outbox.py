"""Outcomes on their way to the agent: records in the ring, large results as open files beside it."""

import errno
import os
import socket
import tempfile
from collections.abc import Sequence

from cloud.model import INLINE_MAX_BYTES, Buffer, Status
from cloud.runner.inbox import Inbox
from cloud.wire.ring import LARGE, NEED_SPACE, RECORD_MAX_BYTES, RICH, SKIPPED, Ring, fence
from cloud.wire.worker import BODY
from cloud.wire.worker import LARGE as LARGE_RECORD

NAN = float("nan")


class AgentGone(Exception):
    """Nobody reads outcomes any more."""


class Outbox:
    """Publishes records in order of seq; waits where the agent has not made room yet."""

    def __init__(self, ring: Ring, wake: int, work: socket.socket, inbox: Inbox) -> None:
        self._ring = ring
        self._wake = wake
        self._work = work
        self._inbox = inbox
        self.told = True
        """Whether the agent was woken for the last record."""
        self.spool: str | None = None
        """Folder for the files of large results; None: memory files."""

    def wake(self) -> None:
        """Make the agent look."""
        os.eventfd_write(self._wake, 1)

    def plain(self, seq: int, flags: int, started: float, runtime: float, result: bytes) -> None:
        """A job that is done and has nothing but a small result."""
        if not self._ring.fits(len(result)):
            self._make_room(len(result))
        self.told = self._ring.publish(seq, Status.DONE, flags, started, runtime, result)
        if self.told:
            self.wake()

    def rich(self, seq: int, status: Status, flags: int, started: float, runtime: float, *,
             result: Sequence[Buffer] = (), error: str = "", exception: bytes = b"",
             extra: bytes = b"") -> None:  # fmt: skip
        """Any other job. What is too long altogether loses what is kept beside, and the end of its error."""
        size = sum(_size(part) for part in result)
        if size > INLINE_MAX_BYTES:
            try:
                self._send_file(seq, result, size)
                flags |= LARGE
            except OSError as failure:
                status, error = Status.ERROR, _why_not_kept(failure, size)
            result = ()
        inline = b"".join(result)
        text = error.encode("utf-8", "backslashreplace")
        if len(inline) + len(text) + len(exception) + len(extra) > RECORD_MAX_BYTES - BODY.size:
            text, exception, extra = text[: RECORD_MAX_BYTES // 2], b"", b""
        lengths = BODY.pack(len(inline), len(text), len(exception), len(extra))
        body = b"".join((lengths, inline, text, exception, extra))
        if len(body) > RECORD_MAX_BYTES:
            raise ValueError(f"a record of {len(body)} bytes")
        if not self._ring.fits(len(body)):
            self._make_room(len(body))
        self.told = self._ring.publish(seq, status, flags | RICH, started, runtime, body)
        if self.told:
            self.wake()

    def skipped(self, lo: int, hi: int) -> None:
        """Jobs that were taken back before they started."""
        self.told = False
        for seq in range(lo, hi):
            self.told |= self._ring.publish(seq, Status.QUEUED, SKIPPED, NAN, NAN, b"")
        if self.told:
            self.wake()

    def _make_room(self, size: int) -> None:
        ring = self._ring

        def room() -> bool:
            if ring.fits(size):
                return True
            ring.words[NEED_SPACE] = 1
            fence()
            if ring.fits(size):
                return True
            self.wake()
            return False

        if not self._inbox.put_aside_until(room):
            raise AgentGone

    def _send_file(self, seq: int, parts: Sequence[Buffer], size: int) -> None:
        fd = _unnamed_file(self.spool)
        try:
            for part in parts:
                view = memoryview(part).cast("B")
                while view:
                    view = view[os.write(fd, view) :]
            try:
                socket.send_fds(self._work, [LARGE_RECORD.pack(seq, size)], [fd])
            except ConnectionError:
                raise AgentGone from None
        finally:
            os.close(fd)


def _unnamed_file(folder: str | None) -> int:
    if folder is not None and hasattr(os, "O_TMPFILE"):
        try:
            return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EACCES, errno.EROFS):
                raise
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picloud-result")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _why_not_kept(failure: OSError, size: int) -> str:
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The result of {size} bytes could not be kept, the disk is full: {failure}. Free some and run it again."
    return f"The result of {size} bytes could not be kept: {failure}"


def _size(part: Buffer) -> int:
    return part.nbytes if isinstance(part, memoryview) else len(part)
