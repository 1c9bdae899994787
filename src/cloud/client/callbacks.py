"""Callbacks: daemon threads that wait for jobs on the client's behalf and tell when they finish (SPEC A.1).

One thread waits for everything watched so far. What is added while it waits cannot join a request that is on its way,
so a second thread waits for the newcomers, at first in short steps so that it takes up further ones soon. Whenever the
first has an answer, or has waited for half a minute, it takes over all newcomers, and the second ends. When nothing is
left there is no thread.

Daemon threads stop wherever they are when the program ends. So before that, callbacks that are under way are waited
for, and those of jobs that are finished by then are called. Of other jobs nobody hears any more.
"""

import atexit
import functools
import inspect
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from cloud.api import Ended, JobApi
from cloud.client.jobs import Job
from cloud.client.reserved import Callback
from cloud.client.roll import Roll, Watch
from cloud.errors import CloudException, JobNotFound
from cloud.model import Ranges, Status
from cloud.model.ranges import normal, subtract

log = logging.getLogger("Cloud")

FIRST_STEP_SECONDS = 0.02
"""How soon newcomers of newcomers are taken up; steps double while there are none."""
LAST_STEP_SECONDS = 1.0
SOON_SECONDS = 0.05
"""Newcomers for whom no thread comes back so soon get a thread of their own, which replaces the other one."""
LONG_STEP_SECONDS = 30.0
UNREACHABLE_SECONDS = 5.0
LINGER_SECONDS = 0.02


class Watcher:
    """Waits for watched jobs on one `JobApi`."""

    def __init__(self, api: JobApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._roll = Roll()
        self._newcomers: Ranges = ()
        self._parked: list[range] = []
        self._waits = False
        self._turn = 0
        """Number of the thread that waits for newcomers; others that did have been replaced."""
        self._back_at = 0.0
        """When that thread takes up newcomers again; 0: there is none."""
        self._closed = threading.Event()
        self._told: list[Watch] = []
        """Who is being told something at this moment."""
        self._silent = False
        """Whether the other side did not answer when it was asked last."""
        self._pid = 0
        """The process at whose end callbacks are settled; 0: there were none yet."""

    def call_back(
        self,
        jids: Ranges,
        callbacks: Iterable[Callback],
        callbacks_on_error: Iterable[Callback],
        handle: Callable[[int], Job],
    ) -> None:
        """Call each callback with the job's handle when it is done, or each of the others when it has failed."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            atexit.register(self.settle)
        self.watch(_CallingBack(jids, tuple(callbacks), tuple(callbacks_on_error), handle))

    def watch(self, watch: Watch) -> None:
        """Tell it of each of its jobs when it finishes, from a thread that is not the caller's."""
        with self._lock:
            open_ = not self._closed.is_set()
            if open_:
                self._admit(watch)
        if not open_:
            watch.closed()

    def forget(self, watch: Watch) -> None:
        """Tell it no more; what it still missed nobody has to wait for on its behalf."""
        with self._lock:
            self._roll.remove(watch)

    def settle(self) -> None:
        """At the end of the program, in its main thread: call what can be called now, and let what is called end."""
        if self._closed.is_set() or self._pid != os.getpid():
            return
        wanted = self._called_back()
        if wanted and not self._silent:
            self._wait_for(wanted, 0.0)
        while True:
            with self._lock:
                told = [watch for watch in self._told if isinstance(watch, _CallingBack)]
            if not told:
                break
            with told[0].telling:
                pass
        if left := sum(map(len, self._called_back())):
            log.warning("The program ends before %d of its jobs; their callbacks are not called", left)

    def _called_back(self) -> Ranges:
        with self._lock:
            return normal(r for watch in self._roll.all if isinstance(watch, _CallingBack) for r in watch.missing)

    def close(self) -> None:
        """Stop watching; nobody is told of jobs any more."""
        self._closed.set()
        atexit.unregister(self.settle)
        with self._lock:
            watches = self._roll.clear()
        for watch in watches:
            watch.closed()

    def _admit(self, watch: Watch) -> None:
        self._roll.add(watch)
        if not self._waits:
            self._waits = True
            self._start(self._wait_for_all)
            return
        self._parked += watch.missing
        if self._back_at == 0.0 or self._back_at - time.monotonic() > SOON_SECONDS:
            self._turn += 1
            self._back_at = time.monotonic() + FIRST_STEP_SECONDS
            self._start(functools.partial(self._wait_for_newcomers, self._turn))

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="cloud-callbacks", daemon=True).start()

    def _wait_for_all(self) -> None:
        while True:
            with self._lock:
                wanted = self._roll.missing
                self._newcomers, self._parked = (), []  # they are among these
                if not wanted or self._closed.is_set():
                    self._waits = False
                    return
            self._wait_for(wanted, LONG_STEP_SECONDS)

    def _wait_for_newcomers(self, turn: int) -> None:
        step_seconds = FIRST_STEP_SECONDS
        while True:
            with self._lock:
                if turn != self._turn:
                    return
                if self._parked:
                    self._newcomers, self._parked = normal([*self._newcomers, *self._parked]), []
                    step_seconds = FIRST_STEP_SECONDS
                wanted = self._newcomers
                if not wanted or self._closed.is_set():
                    self._back_at = 0.0
                    return
                self._back_at = time.monotonic() + step_seconds
            self._wait_for(wanted, step_seconds)
            step_seconds = min(2 * step_seconds, LAST_STEP_SECONDS)

    def _wait_for(self, wanted: Ranges, timeout_seconds: float) -> None:
        """One request, and everybody told of what it brought."""
        try:
            answer = self._api.outcomes(wanted, timeout_seconds=timeout_seconds, linger_seconds=LINGER_SECONDS)
        except JobNotFound as error:
            self._lose((range(error.jid, error.jid + 1),) if isinstance(error.jid, int) else wanted)
            return
        except Exception as error:
            self._silent = True
            if not self._closed.is_set():
                log.warning("Callbacks wait for a server that does not answer: %s", error)
                self._tell_of(error)
                self._closed.wait(UNREACHABLE_SECONDS)
            return
        self._silent = False
        for ended in answer:
            with self._lock:
                news = self._roll.take(ended.jids)
                self._newcomers = subtract(self._newcomers, (ended.jids,))
                self._told += [watch for watch, _ in news]
            for watch, jids in news:
                _tell(watch, ended, jids)
                with self._lock:
                    self._told.remove(watch)

    def _tell_of(self, error: Exception) -> None:
        if not isinstance(error, CloudException):
            return
        with self._lock:
            watches = self._roll.all
        for watch in watches:
            with watch.telling:
                watch.unanswered(error)

    def _lose(self, gone: Ranges) -> None:
        for jids in gone:
            with self._lock:
                news = self._roll.take(jids)
                self._newcomers = subtract(self._newcomers, (jids,))
            for watch, lost in news:
                with watch.telling:
                    for jid in lost:
                        watch.lost(jid)


def _tell(watch: Watch, ended: Ended, jids: range) -> None:
    try:
        with watch.telling:
            watch.hear(ended, jids)
    except Exception:
        log.exception("Telling of jobs %s failed", jids)


class _CallingBack(Watch):
    """Each of them, on success or failure."""

    def __init__(
        self,
        jids: Ranges,
        on_success: tuple[Callback, ...],
        on_error: tuple[Callback, ...],
        handle: Callable[[int], Job],
    ) -> None:
        super().__init__(jids)
        self._on_success = tuple((callback, _wants_jid(callback)) for callback in on_success)
        self._on_error = tuple((callback, _wants_jid(callback)) for callback in on_error)
        self._handle = handle

    def hear(self, ended: Ended, jids: range) -> None:
        for jid in jids:
            status = ended.outcomes.status_of(ended.outcomes.lo + jid - ended.jid)
            for callback, wants_jid in self._on_success if status is Status.DONE else self._on_error:
                try:
                    if wants_jid:
                        callback(self._handle(jid))
                    else:
                        callback()
                except BaseException:  # `sys.exit()` too: it ends nothing but itself
                    log.exception("A callback of job %d failed: %r", jid, callback)

    def lost(self, jid: int | None) -> None:
        log.warning("Job %s was deleted before its callbacks could be called", jid)


def _wants_jid(callback: Callback) -> bool:
    """Whether it is called with the job: not so if it declares no positional parameter (SPEC S3)."""
    try:
        signature = inspect.signature(callback)
    except (ValueError, TypeError):
        return True
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(parameter.kind in positional for parameter in signature.parameters.values())
