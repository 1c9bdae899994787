"""Whether a wait shows how far it is, and when: what it costs before anything is shown is a look at the clock.

Shown is what a wait in the main thread of a program waits for, on its terminal or in its notebook, after half a second.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from cloud.api import JobApi
from cloud.client.inside import inside_channel
from cloud.config.values import VALUES
from cloud.model import Ranges
from cloud.model.ranges import count, normal

if TYPE_CHECKING:
    from cloud.client.progress import Progress

QUIET_SECONDS = 0.5
"""A wait that is over sooner shows nothing."""
STEP_SECONDS = 1.0
"""How long a request waits at most while something is shown, so that it is up to date."""


def meter_for(api: Callable[[], JobApi], jids: Ranges, handle: Any, progress: bool | None) -> "Meter | None":
    """The meter of a wait for these jobs, if anybody could see it.

    Args:
        api: where the jobs are.
        jids: all that are waited for.
        handle: what the user named them with; a `Job` or `Jobs` knows its function's name.
        progress: the user's keyword; None: as the option says.
    """
    if not somebody_looks() or inside_channel() is not None:
        return None
    wanted = VALUES.safe("progress") if progress is None else progress
    if not wanted:
        return None
    return Meter(api, jids, str(getattr(handle, "_name", "")), by_request=wanted is True)


def somebody_looks() -> bool:
    """Whether standard error is a terminal, or this is a notebook."""
    stream = sys.stderr
    try:
        if stream is not None and stream.isatty():
            return True
    except (OSError, ValueError, AttributeError):  # closed, or somebody's own
        pass
    if "ipykernel" not in sys.modules:
        return False
    from cloud.client.notebook import kernel

    return kernel() is not None


class Meter:
    """What a wait, or the waits of one iterator, tell about how far they are."""

    def __init__(self, api: Callable[[], JobApi], jids: Ranges, name: str, *, by_request: bool) -> None:
        self._api = api
        self._jids = jids
        self._name = name
        self._by_request = by_request
        self._began = 0.0
        self._progress: Progress | None = None
        self._hopeless = False

    def step(self, seconds: float | None, missing: Ranges | None) -> float | None:
        """What the next request may wait, given that it might wait for `seconds`; shows what is known.

        Args:
            missing: jobs that are known to be unfinished, all others are finished; None: that is not known.
        """
        if self._hopeless:
            return seconds
        now = time.monotonic()
        if self._progress is None:
            self._began = self._began or now
            quiet = self._began + QUIET_SECONDS - now
            if quiet > 0:
                return quiet if seconds is None else min(quiet, seconds)
            self._open()
        if self._progress is None:
            return seconds
        self._progress.waits(None if missing is None else count(normal(missing)))
        return STEP_SECONDS if seconds is None else min(STEP_SECONDS, seconds)

    def _open(self) -> None:
        from cloud.client import progress

        self._hopeless = not (self._by_request or _is_a_persons())
        if not self._hopeless:
            self._progress = progress.begin(self._api(), normal(self._jids), self._name, self._began)
            self._hopeless = self._progress is None

    def pause(self) -> None:
        """The user's code goes on, and may print."""
        if self._progress is not None:
            self._progress.pause()

    def end(self, error: type[BaseException] | None) -> None:
        """The wait is over; what is shown stays if something went wrong."""
        if self._progress is not None:
            self._progress.end(well=error is None)
            self._progress, self._hopeless = None, True


class Pausing(Meter):
    """Of an iterator, which waits many times: in between, the user's code runs."""

    def over(self) -> None:
        """There will be no more waits."""
        super().end(None)

    def end(self, error: type[BaseException] | None) -> None:
        """One of the waits is over."""
        self.pause()


def pausing(meter: Meter | None) -> Pausing | None:
    """The same for an iterator."""
    if meter is None:
        return None
    return Pausing(meter._api, meter._jids, meter._name, by_request=meter._by_request)


def _is_a_persons() -> bool:
    """Whether somebody who started this program waits here: not a thread, not a web server's worker."""
    if threading.current_thread() is not threading.main_thread() or os.environ.get("TERM") == "dumb":
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount]
        if "start_response" in arguments or {"scope", "receive", "send"} <= set(arguments):
            return False  # a WSGI or ASGI application answers a request
        frame = frame.f_back
    return True
