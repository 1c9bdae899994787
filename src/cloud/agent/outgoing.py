"""Bytes and descriptors on their way into a socket that must not block its writer."""

import os
import socket
from collections import deque
from collections.abc import Callable, Sequence

from cloud.model import Buffer

_MOST_DESCRIPTORS = 64
_SMALL_BYTES = 8192


class Outgoing:
    """Sends what the socket takes at once and keeps the rest, in order."""

    def __init__(self, to: socket.socket, backlog: Callable[[bool], None]) -> None:
        """`backlog` is told whenever there begins or ceases to be something that waits for room in the socket."""
        self._socket = to
        self._backlog = backlog
        self._told = False
        self._waiting: deque[tuple[memoryview, list[int]]] = deque()
        self.broken = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def send(self, parts: Sequence[Buffer], descriptors: Sequence[int] = ()) -> None:
        """The descriptors go with the first byte and are closed here once they went."""
        if len(parts) == 1 and not descriptors and not self._waiting and self._sent_small(parts[0]):
            return
        fds = list(descriptors)
        small = b"".join(parts) if len(parts) > 1 and sum(map(len, parts)) < 65536 else None
        for part in parts if small is None else [small]:
            view = memoryview(part).cast("B")
            if view:
                self._waiting.append((view, fds))
                fds = []
        self.flush()

    def _sent_small(self, part: Buffer) -> bool:
        """Give a small part to the socket at once, which nearly always takes it. False: it took nothing."""
        if len(part) > _SMALL_BYTES or self.broken:
            return False
        try:
            sent = self._socket.send(part)
        except OSError:  # `flush` will meet it again
            return False
        if sent < len(part):
            self._waiting.append((memoryview(part)[sent:], []))
            self.flush()
        return True

    def flush(self) -> None:
        """Send what can be sent."""
        waiting = self._waiting
        try:
            while waiting:
                view, fds = waiting[0]
                if fds:  # a byte carries so many; those that remain need a byte of their own
                    now, fds = fds[:_MOST_DESCRIPTORS], fds[_MOST_DESCRIPTORS:]
                    sent = socket.send_fds(self._socket, [view[:1] if fds else view], now)
                    for fd in now:
                        os.close(fd)
                else:
                    sent = self._socket.send(view)
                if sent == len(view):
                    waiting.popleft()
                else:
                    waiting[0] = view[sent:], fds
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True
            self.close()
        if bool(waiting) != self._told:
            self._told = bool(waiting)
            self._backlog(self._told)

    def close(self) -> None:
        """Drop what could not be sent."""
        while self._waiting:
            for fd in self._waiting.popleft()[1]:
                os.close(fd)
