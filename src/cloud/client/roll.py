"""Who wants to hear of which jobs, looked up by job: thousands of futures are one entry each."""

import threading
from abc import ABC, abstractmethod

from cloud.api import Ended
from cloud.errors import CloudException
from cloud.model import Ranges
from cloud.model.ranges import normal, subtract


class Watch(ABC):
    """Jobs that somebody wants to hear of, once each."""

    def __init__(self, jids: Ranges) -> None:
        self.missing = normal(jids)
        """Those of which nothing was heard; kept by the `Roll`."""
        self.telling = threading.Lock()
        """Held while it is told something: two threads may have news."""

    @abstractmethod
    def hear(self, ended: Ended, jids: range) -> None:
        """These of its jobs have finished."""

    @abstractmethod
    def lost(self, jid: int | None) -> None:
        """That job of its jobs is not there any more."""

    def unanswered(self, error: CloudException) -> None:  # noqa: B027 (most wait until it answers again)
        """The server does not answer, or refuses to; it will be asked again all the same."""

    def closed(self) -> None:  # noqa: B027 (most need not know)
        """The session was closed: it will hear no more."""


class Roll:
    """All watches that miss something. Not thread-safe."""

    def __init__(self) -> None:
        self._missing: Ranges = ()
        self._new: list[range] = []
        self._single: dict[int, list[Watch]] = {}
        """Watches of one job each."""
        self._wide: list[Watch] = []

    @property
    def missing(self) -> Ranges:
        """All jobs that somebody misses."""
        if self._new:
            self._missing, self._new = normal([*self._missing, *self._new]), []
        return self._missing

    @property
    def all(self) -> list[Watch]:
        """Who misses something."""
        return [watch for same in self._single.values() for watch in same] + self._wide

    def add(self, watch: Watch) -> None:
        """From now on its jobs are missed."""
        jids = watch.missing
        if not jids:
            return
        self._new += jids
        if len(jids) == 1 and len(jids[0]) == 1:
            self._single.setdefault(jids[0].start, []).append(watch)
        else:
            self._wide.append(watch)

    def remove(self, watch: Watch) -> None:
        """It misses nothing any more; jobs that nobody else misses are waited for until the next answer."""
        if not watch.missing:
            return
        if watch in self._wide:
            self._wide.remove(watch)
        else:
            jid = watch.missing[0].start
            same = [other for other in self._single.get(jid, ()) if other is not watch]
            if same:
                self._single[jid] = same
            else:
                self._single.pop(jid, None)
        self._missing, self._new = normal(jids for other in self.all for jids in other.missing), []

    def clear(self) -> list[Watch]:
        """Nobody misses anything any more; who did."""
        watches = self.all
        self.__init__()  # type: ignore[misc]
        return watches

    def take(self, jids: range) -> list[tuple[Watch, range]]:
        """Who missed which of these; they are missed no longer."""
        news: list[tuple[Watch, range]] = []
        if self._single:
            found = jids if len(jids) <= len(self._single) else [jid for jid in self._single if jid in jids]
            for jid in found:
                for watch in self._single.pop(jid, ()):
                    watch.missing = ()
                    news.append((watch, range(jid, jid + 1)))
        for watch in self._wide:
            for part in watch.missing:
                common = range(max(part.start, jids.start), min(part.stop, jids.stop))
                if common:
                    watch.missing = subtract(watch.missing, (common,))
                    news.append((watch, common))
        self._wide = [watch for watch in self._wide if watch.missing]
        self._missing = subtract(self.missing, (jids,))
        return news
