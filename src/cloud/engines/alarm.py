"""`_max_runtime` of a job that runs in the user's own main thread: an alarm raises `KilledException` inside it.

It is all that can be done there, where nobody can be killed from outside: a job that hangs in C code runs as long as it
likes, and one that catches the exception goes on, though it ends as killed. While a debugger is at work its time does
not count, for somebody looks at the job.
"""

import bdb
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from cloud.dispatch.undisturbed import Undisturbed
from cloud.errors import KilledException

AGAIN_SECONDS = 0.5
"""When a limit that is over is looked at again while a debugger is at work."""
SOON_SECONDS = 0.005
"""The same while the core is at work, which must not be disturbed."""


class Alarm:
    """The limit of one job that runs here; `over` says whether it was reached."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._inside = False
        self.over = False

    def call(self, function: Callable[[], Any]) -> Any:
        """`function()`, interrupted when the time is over."""
        try:
            self.resume()
            return function()
        finally:
            self.pause()

    def pause(self) -> None:
        """The job is over, or another one runs that it waits for."""
        self._inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def resume(self) -> None:
        """It runs, from here on."""
        signal.signal(signal.SIGALRM, self._ring)
        self._inside = not self.over
        signal.setitimer(signal.ITIMER_REAL, max(self._until - time.monotonic(), SOON_SECONDS))

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if not self._inside:
            return
        if Undisturbed.held or _debugged():
            signal.setitimer(signal.ITIMER_REAL, SOON_SECONDS if Undisturbed.held else AGAIN_SECONDS)
            return
        self.over, self._inside = True, False
        raise KilledException


def obstacle() -> str:
    """Why no job that runs here and now can have an alarm; '' if it can."""
    if not hasattr(signal, "setitimer"):
        return "this operating system has no timer for it"
    if threading.current_thread() is not threading.main_thread():
        return "it runs in another thread than the main one of this program"
    mine = getattr(signal.getsignal(signal.SIGALRM), "__func__", None) is Alarm._ring
    if not mine and (signal.getsignal(signal.SIGALRM) != signal.SIG_DFL or signal.getitimer(signal.ITIMER_REAL)[0]):
        return "this program uses SIGALRM itself"
    return ""


def _debugged() -> bool:
    tracer = sys.gettrace()
    at_work = isinstance(getattr(tracer, "__self__", None), bdb.Bdb)
    return at_work or "pydevd" in str(getattr(tracer, "__module__", None) or type(tracer).__module__)
