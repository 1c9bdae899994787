"""How far a wait is: a line on a terminal, a bar in a notebook.

1,204/10,000 done · 2 failed · 8 running · 1,830/s · 00:05 left  [####      ]
"""

import sys
import time
from collections import deque
from typing import Protocol

from cloud.api import JobApi
from cloud.client.naming import printable
from cloud.client.progress_text import Counts
from cloud.model import Ranges
from cloud.model.ranges import count

ASK_SECONDS = 1.0
"""How often the cloud is asked how many jobs have which status."""
DRAW_SECONDS = 0.1
MOST_RANGES = 1000
"""Of jobs in more pieces the statuses are not asked for: what they are is too much to send every second."""
_RATE_SECONDS = 15.0
_LONGEST_NAME = 30


class Display(Protocol):
    """Where progress is shown. Never raises."""

    def show(self, counts: Counts) -> None:
        """Show this in place of what was shown."""

    def hide(self) -> None:
        """The user's code goes on."""

    def end(self, counts: Counts, *, keep: bool) -> None:
        """Show this for good, or nothing."""


def begin(api: JobApi, jids: Ranges, name: str, began: float) -> "Progress | None":
    """The progress of a wait for these jobs (each named once) that began at that time of the monotonic clock; None if
    there is nowhere to show it."""
    from cloud.client import notebook
    from cloud.client.terminal import Line

    display: Display | None = notebook.bar()
    if display is None and sys.stderr is not None and sys.stderr.isatty():
        display = Line(sys.stderr)
    return None if display is None else Progress(api, jids, printable(name, _LONGEST_NAME), began, display)


class Progress:
    """One wait, or those of one iterator."""

    def __init__(self, api: JobApi, jids: Ranges, name: str, began: float, display: Display) -> None:
        self._api = api
        self._jids = jids
        self._display = display
        self._began = began
        self._counts = Counts(name, count(jids), jids[0].start if jids else 0)
        self._asked_at = 0.0
        self._drawn_at = 0.0
        self._hidden = True
        self._past: deque[tuple[float, int]] = deque()

    def waits(self, missing: int | None) -> None:
        """The next request is about to wait.

        Args:
            missing: how many jobs are not known to be finished; None: as many as the cloud says.
        """
        now = time.monotonic()
        if now - self._asked_at >= ASK_SECONDS:
            self._ask()
            now = self._asked_at = time.monotonic()
        if missing is not None:
            self._counts.at_least(self._counts.total - missing)
        if self._hidden or now - self._drawn_at >= DRAW_SECONDS:
            self._measure(now)
            self._display.show(self._counts)
            self._drawn_at, self._hidden = now, False

    def pause(self) -> None:
        """The user's code goes on."""
        if not self._hidden:
            self._display.hide()
            self._hidden = True

    def end(self, *, well: bool) -> None:
        """The wait is over. If not all went well, the last state stays to be seen."""
        if well:
            self._ask()
            self._counts.at_least(self._counts.total)
        self._measure(time.monotonic())
        self._counts.over = True
        self._display.end(self._counts, keep=not well or self._counts.failed > 0)

    def _ask(self) -> None:
        if len(self._jids) > MOST_RANGES:
            return
        try:
            self._counts.take(self._api.counts(self._jids))
        except Exception:  # the wait itself will tell
            return

    def _measure(self, now: float) -> None:
        """Elapsed time, and the rate: since the oldest news that is not too old, to the latest or two seconds ago."""
        self._counts.elapsed_seconds = now - self._began
        finished = self._counts.finished
        past = self._past
        if not past or (finished > past[-1][1] and now - past[-1][0] >= 0.25):
            past.append((now, finished))
        while len(past) > 2 and now - past[0][0] > _RATE_SECONDS:
            past.popleft()
        seconds = max(past[-1][0], now - 2 * ASK_SECONDS) - past[0][0]
        self._counts.per_second = (past[-1][1] - past[0][1]) / seconds if seconds >= 0.25 else 0.0
