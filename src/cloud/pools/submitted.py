"""The jobs of one pool that may still run, whatever their number."""

import threading
from collections.abc import Iterable

from cloud.client.session import Session
from cloud.errors import JobNotFound
from cloud.model import Ranges
from cloud.model.ranges import normal, subtract

_RANGES_MOST = 1000
_UNSTARTED = ("waiting", "queued")


class Submitted:
    """Safe to use from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._jids: list[range] = []

    def add(self, jids: range) -> None:
        """They have been submitted."""
        with self._lock:
            self._jids.append(jids)
            if len(self._jids) > _RANGES_MOST:
                self._jids = list(normal(self._jids))
            crowded = len(self._jids) > _RANGES_MOST
        if crowded:
            self._forget_finished()

    def all(self) -> Ranges:
        """Those that were not seen finished."""
        with self._lock:
            return normal(self._jids)

    def wait(self) -> None:
        """Until all are finished, however."""
        while jids := self.all():
            try:
                self._session.join(jids, ignore_errors=True)
                left: Ranges = ()
            except JobNotFound as error:  # deleted: nothing to wait for
                left = _without(jids, error)
            with self._lock:
                self._jids = list(subtract(normal(self._jids), subtract(jids, left)))

    def kill(self) -> None:
        """All of them, now."""
        self._kill(self.all(), force=True)

    def kill_unstarted(self) -> Ranges:
        """Kill those that do not run yet; which they are."""
        unstarted = unstarted_of(self._session, self.all())
        self._kill(unstarted)
        return unstarted

    def _kill(self, jids: Ranges, *, force: bool = False) -> None:
        while jids:
            try:
                self._session.kill(jids, force=force)
            except JobNotFound as error:
                jids = _without(jids, error)
            else:
                return

    def _forget_finished(self) -> None:
        asked = left = self.all()
        while left:
            try:
                left = self._session.api.wait(left, timeout_seconds=0, stop_on_failure=False).unfinished
            except JobNotFound as error:
                left = _without(left, error)
            else:
                break
        with self._lock:
            self._jids = list(subtract(normal(self._jids), subtract(asked, normal(left))))


def _without(jids: Ranges, error: JobNotFound) -> Ranges:
    """The jobs without the one that was deleted."""
    if not isinstance(error.jid, int):
        raise error
    return subtract(jids, (range(error.jid, error.jid + 1),))


def unstarted_of(session: Session, jids: Iterable[range]) -> Ranges:
    """Those of the jobs that are waiting or queued; deleted ones are not."""
    found: list[range] = []
    for part in jids:
        try:
            words = session.status(part)
        except JobNotFound:
            words = [_status(session, jid) for jid in part]
        found += (range(jid, jid + 1) for jid, word in zip(part, words, strict=True) if word in _UNSTARTED)
    return normal(found)


def _status(session: Session, jid: int) -> str:
    try:
        return session.status(jid)
    except JobNotFound:
        return ""
