"""Blobs on their way between an agent and a store on another machine, in threads of our own: meanwhile the agent looks
after its workers."""

import logging
import os
import queue
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import TypeVar

from cloud.dispatch.ports import Blobs, Event, Finished, Work
from cloud.errors import CloudException, ServerUnavailable, StoreFull
from cloud.model import BlobRef, Outcomes, Status

log = logging.getLogger("Cloud.fleet")
T = TypeVar("T")

NO_ROOM_SECONDS = 30.0
"""When there was no room for what a job needs, its agent wants no other for so long."""
AWAY_SECONDS = 180.0
"""A store that is away is waited for so long, before what needs it fails."""
PAUSE_SECONDS = 1.0
THREADS = 4
MOST_SENT_AT_ONCE = 64
"""Each is an open file; beyond, the agent waits."""
REMEMBERED = 1000


class Errands:
    """Args:
    blobs: may be used in any thread if they are `far`; if they are not, there are no errands.
    ring: called, in any thread, when one is done.
    """

    def __init__(self, blobs: Blobs, ring: Callable[[], None]) -> None:
        self._blobs, self._ring = blobs, ring
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._fetching: set[str] = set()
        self._fetched: OrderedDict[str, str] = OrderedDict()
        """Why it could not be, or '', by name: the last ones."""
        self._homeless: set[str] = set()
        """Names of those for which there was no room on this machine."""
        self._full_until = 0.0
        self._sending: set[str] = set()
        self._unsent: dict[str, str] = {}
        """Why they could not be sent, by name."""
        self._closed = threading.Event()

    # --- arguments

    def begin(self, work: Work) -> Collection[str]:
        """Have what this needs fetched; the names of what is not here yet."""
        if not self._blobs.far:
            return ()
        pieces = [work.function, *(chunk.packed for chunk in work.chunks)]
        if work.code is not None:
            pieces += [piece for _, piece in work.code.files]
        names = {piece.name for piece in pieces if isinstance(piece, BlobRef)}
        with self._lock:
            missing = [name for name in names if self._fetched.get(name) != ""]
            for name in missing:
                if name not in self._fetching:
                    self._fetching.add(name)
                    self._fetched.pop(name, None)
                    self._homeless.discard(name)
                    self._add(lambda name=name: self._fetch(name))  # type: ignore[misc]
        return missing

    def arrived(self, names: Collection[str]) -> bool:
        """Whether all of these are here, or cannot be had."""
        with self._lock:
            return self._fetching.isdisjoint(names)

    def fault(self, names: Collection[str]) -> str:
        """Why one of these cannot be had, or ''."""
        with self._lock:
            return next((why for name in names if (why := self._fetched.get(name, ""))), "")

    def homeless(self, names: Collection[str]) -> bool:
        """Whether there was no room for one of these here; elsewhere there may be."""
        with self._lock:
            return not self._homeless.isdisjoint(names)

    @property
    def full(self) -> bool:
        """Whether there was no room on this machine a moment ago."""
        return time.monotonic() < self._full_until

    def _fetch(self, name: str) -> None:
        why, full = "", False
        try:
            os.close(self._patiently(lambda: self._blobs.open(name)))
        except Exception as error:  # whatever it is, it ends what needs this blob and not the thread
            why, full = _reason(error), isinstance(error, StoreFull)
        with self._lock:
            self._fetching.discard(name)
            self._fetched[name] = why
            if full:
                self._full_until = time.monotonic() + NO_ROOM_SECONDS
                self._homeless.add(name)
            while len(self._fetched) > REMEMBERED:
                self._homeless.discard(self._fetched.popitem(last=False)[0])
        self._ring()

    # --- results

    def send(self, name: str, fd: int) -> BlobRef:
        """Have the content of an open file sent; it is there once no `Finished` that names it is held back."""
        if len(self._sending) >= MOST_SENT_AT_ONCE:
            return self._blobs.adopt(name, fd)
        size_bytes, mine = os.fstat(fd).st_size, os.dup(fd)
        with self._lock:
            self._sending.add(name)
            self._add(lambda: self._send(name, mine))
        return BlobRef(name, size_bytes)

    def _send(self, name: str, fd: int) -> None:
        why = ""
        try:
            self._patiently(lambda: self._blobs.adopt(name, fd))
        except Exception as error:
            why = _reason(error)
        finally:
            os.close(fd)
        with self._lock:
            self._sending.discard(name)
            if why:
                self._unsent[name] = why
        self._ring()

    def sent(self, event: Event) -> list[Event] | None:
        """What to report for this; None: not yet, its results are on their way."""
        if not isinstance(event, Finished) or not event.outcomes.blobs:
            return [event]
        names = {ref.name: index for index, ref in event.outcomes.blobs.items()}
        with self._lock:
            if not self._sending.isdisjoint(names):
                return None
            failed = {names[name]: self._unsent.pop(name) for name in names.keys() & self._unsent.keys()}
        return _failed(event, failed) if failed else [event]

    # --- threads

    def _patiently(self, errand: Callable[[], T]) -> T:
        """Tried again while the store is away: its clients give up within seconds when nobody answers there."""
        until = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return errand()
            except ServerUnavailable as error:
                if not error.retry or time.monotonic() >= until:
                    raise
                log.warning("a blob is tried again: %s", error.parameter)
            if self._closed.wait(PAUSE_SECONDS):
                raise ServerUnavailable("this machine's agent ends")

    def _add(self, errand: Callable[[], None]) -> None:
        self._todo.put(errand)
        if len(self._threads) < min(THREADS, len(self._fetching) + len(self._sending)):
            self._threads.append(threading.Thread(target=self._run, name="picloud-errands", daemon=True))
            self._threads[-1].start()

    def _run(self) -> None:
        while (errand := self._todo.get()) is not None:
            errand()

    def close(self) -> None:
        """Begin nothing more; what is under way is given up with the process."""
        self._closed.set()
        for _ in self._threads:
            self._todo.put(None)


class BlobsOfAgent:
    """The blobs as an agent has them: results leave by errand.

    Args:
        blobs: which all others see, too.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.far, self.place = blobs.far, blobs.place
        self.errands = Errands(blobs, self._ring)
        self.ring: Callable[[], None] = lambda: None
        """Called, in any thread, when something has come or gone."""
        self.put, self.create, self.spool, self.open = blobs.put, blobs.create, blobs.spool, blobs.open
        self.read, self.delete, self.names, self.size_bytes = blobs.read, blobs.delete, blobs.names, blobs.size_bytes
        self.close, self.find, self.link = blobs.close, blobs.find, blobs.link

    def adopt(self, name: str, fd: int) -> BlobRef:
        """See `Blobs.adopt`; of far ones, later."""
        return self.errands.send(name, fd) if self.far else self._blobs.adopt(name, fd)

    def disk(self) -> tuple[int, int]:
        """Free bytes of the disk where they or their copies are on this machine, and all; (0, 0): nobody knows."""
        folder = self.spool()
        try:
            space = shutil.disk_usage(folder) if folder is not None else None
        except OSError:
            space = None
        return (space.free, space.total) if space is not None else (0, 0)

    def _ring(self) -> None:
        self.ring()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError | CloudException):
        return str(error)
    log.error("a fault of ours while a blob was on its way", exc_info=error)
    return f"{type(error).__name__}: {error}"


def _failed(event: Finished, failed: dict[int, str]) -> list[Event]:
    """The same, where the results with these indices could not be kept."""
    outcomes, parts = event.outcomes, []
    lo = outcomes.lo
    for index, why in sorted(failed.items()):
        if lo < index:
            parts.append(outcomes.slice(lo, index))
        ended = Outcomes.uniform(outcomes.sid, index, index + 1, Status.ERROR, f"The result could not be kept: {why}")
        ended.attempt = outcomes.attempt
        parts.append(ended)
        lo = index + 1
    if lo < outcomes.hi:
        parts.append(outcomes.slice(lo, outcomes.hi))
    return [Finished(event.cid, part) for part in parts]
