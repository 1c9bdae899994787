"""Blobs that nothing refers to: left by a crash between blob and commit, or put by a client that went away."""

import logging
from collections.abc import Iterator
from functools import partial
from itertools import islice

from cloud.dispatch.dispatcher import Dispatcher
from cloud.errors import CloudException

log = logging.getLogger("Cloud.retention")

SLICE = 200
"""Names looked at in one go, so that nothing else waits long."""


class Orphans:
    """Collects those that are older than `age_seconds`: a blob is written before the commit that refers to it."""

    def __init__(self, dispatcher: Dispatcher, age_seconds: float) -> None:
        self._dispatcher = dispatcher
        self._store, self._blobs = dispatcher.store, dispatcher.blobs
        self._age_seconds = age_seconds
        self._names: Iterator[str] | None = None
        self._asking = self._failed = False
        self._again_at = float("-inf")
        """Monotonic time before which no other pass begins: what was not old enough is not, so soon."""

    def collect(self) -> bool:
        """Look at a slice; whether to go on at once. Where blobs are far, all of it happens beside."""
        if self._names is None and self._dispatcher.clock.monotonic() < self._again_at:
            return False
        if not self._blobs.far:
            return self._look_at(self._next())
        if not self._asking:
            self._asking = True
            self._dispatcher.aside(self._next, self._came)
        return False

    def _next(self) -> list[str]:
        try:
            if self._names is None:
                self._names = self._blobs.names(older_than_seconds=self._age_seconds)
            return list(islice(self._names, SLICE))
        except CloudException as error:
            log.warning("blobs that nothing refers to are looked for later: %s", error)
            self._failed = True
            return []

    def _came(self, names: list[str]) -> None:
        self._asking = False
        if not self._dispatcher.closed and self._look_at(names):
            self.collect()

    def _look_at(self, names: list[str]) -> bool:
        if names and set(names) - self._store.referenced(names):
            with self._dispatcher.lock, self._store.transaction():  # nothing is stored meanwhile that refers to them
                if self._dispatcher.behind:  # their results are in blobs that nothing refers to yet
                    self._names = None
                    return False
                orphans = sorted(set(names) - self._store.referenced(names))
                if orphans:
                    log.info("removing %d blobs that nothing refers to", len(orphans))
                    self._delete(orphans)
        if len(names) < SLICE:
            if not self._failed:
                self._again_at = self._dispatcher.clock.monotonic() + self._age_seconds
            self._names, self._failed = None, False
            return False
        return True

    def _delete(self, orphans: list[str]) -> None:
        if self._blobs.far:  # nobody will refer to them: they are old, and names there are not used twice
            self._dispatcher.aside(partial(self._blobs.delete, orphans), _nothing)
        else:
            self._blobs.delete(orphans)


def _nothing(_: None) -> None:
    pass
