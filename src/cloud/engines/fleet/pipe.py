"""Messages between two processes of one machine, over a socket."""

import queue
import select
import socket
import threading
import time
from collections.abc import Sequence

from cloud.wire.message import PREFIX, Frame, Header, decode, encode, rest_of

END_SECONDS = 1.0


class Pipe:
    """One end. Who sends never waits; one thread may read."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._closed = False
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="picloud-pipe", daemon=True)
        self._writer.start()

    def send(self, header: Header, frames: Sequence[Frame] = ()) -> None:
        """Soon; lost if the other end is gone, which `read` says."""
        if not self._closed:
            self._outgoing.put(b"".join(encode(header, frames)))

    def read(self, within_seconds: float | None = None) -> tuple[Header, list[memoryview]] | None:
        """The next message; None: the other end is gone.

        Raises:
            TimeoutError: there was none in time.
        """
        until = None if within_seconds is None else time.monotonic() + within_seconds
        try:
            prefix = self._take(PREFIX.size, until)
            rest = self._take(rest_of(prefix), until) if prefix else b""
        except TimeoutError:
            raise
        except OSError:
            return None
        return decode(prefix + rest) if prefix and rest else None

    def wait(self, seconds: float) -> bool:
        """Whether there is something to read, or the other end is gone, within this time."""
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        """What was sent before goes out first; nothing else does."""
        self._closed = True
        self._outgoing.put(None)

    def drain(self, seconds: float) -> None:
        """After `close`: wait until all that was sent has gone out, at most so long."""
        self._writer.join(seconds)

    def end(self) -> None:
        """After `close`, when the other end is gone and nobody reads any more."""
        self._writer.join(END_SECONDS)
        self._sock.close()

    def _take(self, size: int, until: float | None) -> bytearray:
        taken = bytearray(size)
        view, at = memoryview(taken), 0
        while at < size:
            # Not with a timeout of the socket: that would be for whoever writes, too, and give up in the middle.
            if until is not None and not self.wait(max(0.0, until - time.monotonic())):
                raise TimeoutError
            got = self._sock.recv_into(view[at:])
            if not got:
                return bytearray()
            at += got
        return taken

    def _write(self) -> None:
        try:
            while (message := self._outgoing.get()) is not None:
                self._sock.sendall(message)
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:  # the other end is gone; whoever reads hears of it
            pass
