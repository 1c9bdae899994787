"""Watch: one descriptor that is readable when any of many is, and what to call for each."""

import select
from collections.abc import Callable


class Watch:
    """An epoll with callbacks."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._calls: dict[int, tuple[Callable[[], None], Callable[[], None] | None]] = {}

    def fileno(self) -> int:
        """Readable when `look` has something to do."""
        return self._epoll.fileno()

    def add(self, fd: int, readable: Callable[[], None], writable: Callable[[], None] | None = None) -> None:
        """Call `readable` while there is something to read, `writable` while asked for by `writing`."""
        self._calls[fd] = readable, writable
        self._epoll.register(fd, select.EPOLLIN)

    def writing(self, fd: int, wanted: bool) -> None:
        """Whether somebody waits to write."""
        if fd in self._calls:
            self._epoll.modify(fd, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def remove(self, fd: int) -> None:
        """Before it is closed. Unknown ones are skipped."""
        if self._calls.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def look(self) -> None:
        """Call what is to be called, once each; never waits."""
        for fd, mask in self._epoll.poll(0):
            calls = self._calls.get(fd)
            if calls is None:
                continue  # removed by an earlier call of this round
            if mask & select.EPOLLOUT and calls[1] is not None:
                calls[1]()
            if mask & ~select.EPOLLOUT and fd in self._calls:
                calls[0]()

    def close(self) -> None:
        """Let go."""
        self._epoll.close()
        self._calls.clear()
