"""How a client waits: a deadline, a slot lent out when it waits inside a job, and a last resort against dead-locks."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cloud.api import JobApi
from cloud.client.inside import inside_channel
from cloud.errors import CloudTimeoutError
from cloud.model import Ranges
from cloud.model.ranges import normal

if TYPE_CHECKING:
    from cloud.client.meter import Meter

LOOK_SECONDS = 15.0
"""Inside a job: how often a wait looks whether anything moves."""
DEADLOCK_SECONDS = 60.0
"""Inside a job: queued jobs that do not move for so long are taken for a dead-lock (SPEC S54)."""


class Patience:
    """One wait of one thread, as a context: gives the seconds of each step, and an error when they are used up.

    Inside a job the slot is lent out from the first step that may block until the end (DESIGN D12).
    """

    def __init__(
        self,
        api: JobApi,
        where: str,
        timeout_seconds: float | None,
        *,
        deadlock_check: bool = True,
        meter: "Meter | None" = None,
    ) -> None:
        """`meter` shows how far the wait is."""
        self._api = api
        self._where = where
        self._until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._inside = bool(getattr(api, "inside", False))
        self._checks = deadlock_check and self._inside
        self._queued = 0
        self._queued_since = 0.0
        self._looked = False
        self._lent = False
        self._meter = meter
        self._missing: Ranges = ()
        self._partly = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._meter is not None:
            self._meter.end(kind)
        if error is not None and kind is KeyboardInterrupt and self._missing and getattr(self._api, "durable", False):
            error.add_note(_going_on(() if self._partly else normal(self._missing)))
        if self._lent:
            channel = inside_channel()
            if channel is not None:
                channel.resumed()

    def step(self, missing: Ranges, *, partly: bool = False) -> float | None:
        """Seconds that the next request may wait for these jobs; None: no limit. `partly`: others are missing, too."""
        self._missing, self._partly = missing, partly
        if self._inside and not self._looked:  # what is there already costs no lending
            self._looked = True
            return 0.0
        if self._inside and not self._lent:
            channel = inside_channel()
            if channel is not None:
                channel.waiting(normal(missing))
                self._lent = True
        left = self.left()
        if self._checks:
            return LOOK_SECONDS if left is None else min(LOOK_SECONDS, left)
        return left if self._meter is None else self._meter.step(left, None if partly else missing)

    def left(self) -> float | None:
        """Seconds until the deadline, at least 0; None: there is none."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def check(self, missing: Ranges, queued: int | None = None) -> None:
        """To be called after each step with what is still missing (something is).

        Args:
            missing: the jobs that have not finished.
            queued: how many of them are queued, if that was answered already.

        Raises:
            CloudTimeoutError: the time is over, or nothing moves and this looks like a dead-lock.
        """
        if self._until is not None and time.monotonic() >= self._until:
            raise CloudTimeoutError(f"{self._where} timed out", jid=unfinished(missing))
        if not self._checks or not self._lent:
            return
        if queued is None:
            queued = self._api.wait(missing, timeout_seconds=0, stop_on_failure=False).queued
        now = time.monotonic()
        if queued == 0 or queued != self._queued:
            self._queued, self._queued_since = queued, now
        elif now - self._queued_since >= DEADLOCK_SECONDS:
            raise CloudTimeoutError(
                f"{self._where} detected possible dead-lock due to recursive jobs: for {DEADLOCK_SECONDS:.0f} seconds "
                f"{queued} of the jobs waited for were queued and none could start",
                jid=unfinished(missing),
                hint="use _depends_on instead of waiting inside a job, or start the server with more workers",
            )


def unfinished(missing: Ranges) -> list[int]:
    """The jids, as `CloudTimeoutError.jid` lists them."""
    return [jid for item in normal(missing) for jid in item]


def _going_on(jids: Ranges) -> str:
    """For somebody who gives up waiting: that nobody gave up the jobs. Without jids: of those that were not named."""
    if not jids:
        return "Jobs that are not finished go on; cloud.kill(jids) ends them, cloud.kill() all of yours."
    lo, hi = jids[0].start, jids[-1].stop - 1
    if lo == hi:
        return f"Job {lo} goes on: cloud.result({lo}) waits for it again, cloud.kill({lo}) ends it."
    return f"Jobs {lo}..{hi} that are not finished go on; cloud.kill(jids) ends them, cloud.kill() all of yours."
