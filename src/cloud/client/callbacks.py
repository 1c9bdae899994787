"""Callbacks: daemon threads that wait for jobs on the client's behalf and call back when they finish (SPEC A.1).

One thread waits for everything watched so far. What is added while it waits cannot join a request that is on its way,
so another thread waits for the newcomers, in short steps: after a step it hands what is left to another one that is
in a short step, and ends, and so does the first after its long one. So there are soon two again, and then one; and
when nothing is left there is none.
"""

import inspect
import logging
import threading
from collections.abc import Callable, Iterable

from cloud.api import Ended, JobApi
from cloud.client.jobs import Job
from cloud.client.opening import first_failure
from cloud.client.reserved import Callback
from cloud.errors import JobNotFound
from cloud.model import Ranges, Status
from cloud.model.ranges import normal, subtract

log = logging.getLogger("Cloud")

SHORT_STEP_SECONDS = 1.0
LONG_STEP_SECONDS = 30.0
MOST_THREADS = 8
"""Beyond so many, newcomers wait until one of the threads has ended its step."""
UNREACHABLE_SECONDS = 5.0
LINGER_SECONDS = 0.02


class Watch:
    """Jobs that somebody wants to hear of, once each."""

    def __init__(self, jids: Ranges) -> None:
        self.missing = normal(jids)

    def hear(self, ended: Ended, jids: range) -> None:
        """These of its jobs have finished."""
        raise NotImplementedError

    def lost(self, jid: int | None) -> None:
        """That job of its jobs (None: one of them) is not there any more."""
        raise NotImplementedError


class Watcher:
    """Waits for watched jobs on one `JobApi`."""

    def __init__(self, api: JobApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._parked: list[Watch] = []
        self._threads = 0
        self._short = 0
        """How many threads are in a short step."""
        self._closed = threading.Event()

    def call_back(
        self,
        jids: Ranges,
        callbacks: Iterable[Callback],
        callbacks_on_error: Iterable[Callback],
        handle: Callable[[int], Job],
    ) -> None:
        """Call each callback with the job's handle when it is done, or each of the others when it has failed."""
        self._add(_CallingBack(jids, tuple(callbacks), tuple(callbacks_on_error), handle))

    def tell(self, jids: Ranges, once: Callable[[], None]) -> None:
        """Call `once` when all of the jobs are finished, or one failed or is gone."""
        self._add(_Telling(jids, once))

    def close(self) -> None:
        """Stop watching; nobody is called any more."""
        self._closed.set()

    def _add(self, watch: Watch) -> None:
        with self._lock:
            self._parked.append(watch)
            if self._threads < MOST_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="cloud-callbacks", daemon=True).start()

    def _work(self) -> None:
        charge: list[Watch] = []
        while True:
            with self._lock:
                charge = [watch for watch in charge + self._parked if watch.missing]
                self._parked = []
                if not charge or self._closed.is_set():
                    self._threads -= 1
                    return
                short = self._threads > 1
                self._short += short
            heard = self._wait_for(charge, SHORT_STEP_SECONDS if short else LONG_STEP_SECONDS)
            with self._lock:
                self._short -= short
                if self._short and not (short and heard):  # another thread takes over, within a short step
                    self._parked += charge
                    self._threads -= 1
                    return

    def _wait_for(self, charge: list[Watch], timeout_seconds: float) -> bool:
        """One request, and everybody told of what it brought; whether it brought something."""
        wanted = normal(part for watch in charge for part in watch.missing)
        try:
            answer = self._api.outcomes(wanted, timeout_seconds=timeout_seconds, linger_seconds=LINGER_SECONDS)
        except JobNotFound as error:
            for watch in charge:
                _lose(watch, error.jid if isinstance(error.jid, int) else None)
            return True
        except Exception as error:
            if not self._closed.is_set():
                log.warning("Callbacks wait for a server that does not answer: %s", error)
                self._closed.wait(UNREACHABLE_SECONDS)
            return False
        for ended in answer:
            for watch in charge:
                _tell(watch, ended)
        return bool(answer)


def _tell(watch: Watch, ended: Ended) -> None:
    """Tell a watch of those of its jobs that are among these."""
    for part in watch.missing:
        jids = range(max(part.start, ended.jids.start), min(part.stop, ended.jids.stop))
        if jids:
            watch.missing = subtract(watch.missing, (jids,))
            watch.hear(ended, jids)


def _lose(watch: Watch, jid: int | None) -> None:
    if jid is None:
        watch.missing = ()
    elif not any(jid in part for part in watch.missing):
        return
    else:
        watch.missing = subtract(watch.missing, (range(jid, jid + 1),))
    watch.lost(jid)


class _Telling(Watch):
    """All of them, or the first failure."""

    def __init__(self, jids: Ranges, once: Callable[[], None]) -> None:
        super().__init__(jids)
        self._once = once

    def hear(self, ended: Ended, jids: range) -> None:
        if not self.missing or first_failure(ended) is not None:
            self.lost(None)

    def lost(self, jid: int | None) -> None:
        self.missing = ()
        self._once()


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
