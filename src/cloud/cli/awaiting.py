"""Waiting for jobs to come to a status: they are looked at when the server says that something changed."""

import os
import select
import time
from collections.abc import Iterator

from cloud.cli.snapshots import Listener
from cloud.client.connect import endpoint_of, settings_with_secret
from cloud.client.patience import unfinished
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, ServerUnavailable
from cloud.model import Ranges, Status
from cloud.model.ranges import pack

_WORDS = {status.word: frozenset({status}) for status in Status if status is not Status.DELETED}
WORDS: dict[str, frozenset[Status]] = {
    **_WORDS,
    "finished": frozenset(status for status in Status if status.finished),
    "failed": frozenset(status for status in Status if status.failed),
}
"""What can be waited for."""
_ORDER = {Status.WAITING: 0, Status.QUEUED: 1, Status.PROCESSING: 2}
_LAST = 3
_PAUSE_SECONDS = 1.0


def arrivals(
    session: Session, wanted: Ranges, targets: frozenset[Status], timeout_seconds: float | None
) -> Iterator[tuple[int, Status]]:
    """Each job with the status that was waited for, once it has it.

    Raises:
        CloudTimeoutError: not all came in time.
        CloudException: one cannot come to it any more.
        JobNotFound: one does not exist.
    """
    until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    left = wanted
    heard: Listener | None = None
    while True:
        found: list[tuple[int, Status]] = []
        rest: list[int] = []
        every = (jid for those in left for jid in those)
        for jid, status in zip(every, map(Status, session.api.status(left)), strict=True):
            if status in targets:
                found.append((jid, status))
            else:
                _check(jid, status, targets)
                rest.append(jid)
        yield from found
        left = pack(rest)
        if not left:
            return
        if heard is None:
            heard = Listener(endpoint_of(settings_with_secret()))  # and what changed since the look is seen by another
        elif not _woken(heard, until):
            raise CloudTimeoutError(
                "picloud wait-for timed out", jid=unfinished(left)[:10] if len(rest) > 1 else rest[0]
            )
        else:
            heard = _still(heard)


def _check(jid: int, status: Status, targets: frozenset[Status]) -> None:
    """
    Raises:
        CloudException: what has this status cannot come to one of those.
    """
    if not status.finished and max(_ORDER.get(each, _LAST) for each in targets) > _ORDER[status]:
        return
    words = " or ".join(each.word for each in sorted(targets))
    raise CloudException(f"it is {status.word}, and cannot become {words} any more", jid=jid, status=status.word)


def _woken(heard: Listener, until: float | None) -> bool:
    """Whether something may have changed before the time was over."""
    ready, _, _ = select.select([heard.woken], [], [], None if until is None else max(0.0, until - time.monotonic()))
    if ready:
        os.read(heard.woken, 4096)
    return bool(ready)


def _still(heard: Listener) -> Listener | None:
    """The same while it hears something; None: it is to be replaced.

    Raises:
        CloudException: the server refuses to tell.
    """
    if heard.error is None:
        return heard
    os.close(heard.woken)
    if not isinstance(heard.error, ServerUnavailable):
        raise heard.error
    time.sleep(_PAUSE_SECONDS)
    return None
