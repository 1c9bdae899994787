"""The lock of a core that a program's own threads use: an interrupt from the keyboard waits until the core is whole."""

import threading
from _signal import getsignal, signal  # type: ignore[import-not-found]  # `signal.signal` takes ten times as long
from collections.abc import Callable
from signal import SIGINT
from types import FrameType
from typing import Any


class Undisturbed:
    """A reentrant lock. While the main thread has it, or waits for it, SIGINT is only noted; the program's handler,
    which raises KeyboardInterrupt as a rule, is called when the lock is free again. An exception between any two lines
    of the core would leave jobs claimed that nobody starts, or a lock taken.
    """

    held = 0
    """How often the main thread has any of these locks, or waits for one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._main = threading.main_thread().ident
        self._depth = 0
        """How often the main thread has it."""
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        """The program's, while ours is in its place."""
        self._noted = False

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            if not self._depth and callable(getsignal(SIGINT)):
                self._put_off()
            self._depth += 1
            Undisturbed.held += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if threading.get_ident() != self._main:
            return
        self._depth -= 1
        Undisturbed.held -= 1
        if not self._depth and self._handler is not None:
            handler, self._handler = self._handler, None
            signal(SIGINT, handler)  # from here on it may be called, and raise
            if self._noted:
                handler(SIGINT, None)

    def _put_off(self) -> None:
        self._noted = False
        try:
            self._handler = signal(SIGINT, self._note)
        except ValueError:  # the main thread of another interpreter than the first is told of no signals
            self._main = None

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._noted = True
