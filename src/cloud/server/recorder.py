"""Keeps the history: once a second while something changes, and not at all while nothing does."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable

from cloud.errors import ServerUnavailable
from cloud.local import Core
from cloud.model import Outcomes, Status
from cloud.server.history import History, Levels, Tally

log = logging.getLogger("cloud.server")

EVERY_SECONDS = 1.0
SHARE = 1000
"""A look at the queue that took a millisecond is followed by the next one after a thousand: counting never slows the
counted."""
WAITED_SHARE = 50
"""So much less counts the time that a store on another machine takes, in which this one may do something else."""
LONGEST_PAUSE_SECONDS = 15.0
MOST_QUEUES = 50
"""Of so many submissions it is known to which function and label their jobs belong."""


class Recorder:
    """Counts what ended as it ends, and looks at queue and workers in a sample. All of it in the loop's thread."""

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop, *, wall: Callable[[], float] = time.time) -> None:
        self.history = History()
        self.history.freshen = self._freshen
        self._core = core
        self._loop = loop
        self._wall = wall
        self._ended: dict[tuple[int, str, str | None], Tally] = {}
        self._levels: dict[int, Levels] = {}
        self._look_at = 0.0
        self._seen: object = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Count from now on."""
        self._core.dispatcher.arrivals.on_finish = self.ended
        self.stir()

    def stop(self) -> None:
        """Count no more."""
        self._stopped = True
        self._core.dispatcher.arrivals.on_finish = None
        if self._timer is not None:
            self._timer.cancel()

    def stir(self) -> None:
        """Something happened: there will be a sample soon."""
        if self._timer is None and not self._stopped:
            self._timer = self._loop.call_later(EVERY_SECONDS, self._sample)

    def ended(self, outcomes: Outcomes) -> None:
        """Jobs that ran ended and are stored."""
        submission = self._core.store.submission(outcomes.sid)
        if submission is None:
            return
        key = submission.account, submission.spec.function_name, submission.spec.label
        tally = self._ended.get(key)
        if tally is None:
            tally = self._ended[key] = Tally()
        status, each = outcomes.status, outcomes.count if len(outcomes.status) == 1 else 1
        tally.done += status.count(Status.DONE) * each
        tally.error += status.count(Status.ERROR) * each
        tally.killed += status.count(Status.KILLED) * each
        seconds = sum(outcomes.runtime)
        if not math.isnan(seconds):  # some of them never ran
            tally.seconds += seconds

    def _sample(self) -> None:
        self._timer = None
        try:
            changed = self._freshen()
        except ServerUnavailable:  # of which those who need the store complain
            changed = False
        except Exception:  # nobody's job depends on it
            log.exception("a fault while the history was kept")
            changed = False
        if (changed or self._loop.time() < self._look_at) and not self._stopped:
            self._timer = self._loop.call_later(EVERY_SECONDS, self._sample)

    def _freshen(self) -> bool:
        return self.sample(look=self._loop.time() >= self._look_at)

    def sample(self, *, look: bool = True) -> bool:
        """Put what is known into the history; whether it was anything new. With `look`, after a look at the queue."""
        at = self._wall()
        ended, self._ended = self._ended, {}
        for (account, function, label), tally in ended.items():
            self.history.put_ended(at, account, function, label, tally)
        if look:
            self._look()
        state = self._core.engine.state()
        crew = state.slots, state.workers, state.busy
        for account in self._levels.keys() | self.history.accounts.keys():
            self.history.put_levels(at, account, self._levels.get(account, Levels()))
        self.history.put_crew(at, crew)
        seen = self._levels, crew
        changed = bool(ended) or seen != self._seen
        self._seen = seen
        return changed

    def _look(self) -> None:
        began, asked_at, store = time.thread_time(), time.monotonic(), self._core.store
        found: dict[int, Levels] = {}
        for account, waiting, queued in store.backlog():
            found[account] = Levels(waiting, queued)
        by_sid = Counter(dict(store.longest_queues(MOST_QUEUES)))
        for (account, sid), jobs in self._core.dispatcher.running().items():
            found.setdefault(account, Levels()).processing += jobs
            by_sid[sid] += jobs
        for sid, jobs in by_sid.most_common(MOST_QUEUES):
            submission = store.submission(sid)
            if submission is not None:
                spec, levels = submission.spec, found.setdefault(submission.account, Levels())
                for name, named in ((spec.function_name, levels.functions), (spec.label, levels.labels)):
                    if name:
                        named[name] = named.get(name, 0) + jobs
        self._levels = found
        took = max(time.thread_time() - began, (time.monotonic() - asked_at) / WAITED_SHARE)
        pause = min(SHARE * took, LONGEST_PAUSE_SECONDS)
        self._look_at = self._loop.time() + (pause if pause > 2 * EVERY_SECONDS else 0.0)
