"""Which session is which: the active one of `cloud`, and those of other kinds, for handles out of a pickle."""

import importlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloud.config import log as _log  # noqa: F401 (its handlers listen from here on)
from cloud.config.values import VALUES
from cloud.errors import CloudException

if TYPE_CHECKING:
    from cloud.client.session import Session

_OPENERS: dict[str, Callable[[], "Session"]] = {}
_HOMES = {"mp": "cloud.mp", "simulated": "cloud.simulator"}
"""Modules that register the session of their kind when they are imported."""
_active: "Session | None" = None
_immutable = False
_lock = threading.Lock()


def register(kind: str, session: Callable[[], "Session"]) -> None:
    """Say how to get the session whose handles carry this kind."""
    _OPENERS[kind] = session


def of_kind(kind: str) -> "Session":
    """The session whose handles carry this kind; '' is the active one of `cloud`.

    Raises:
        CloudException: there is no such cloud in this program.
    """
    if not kind:
        return active()
    if kind not in _OPENERS and kind in _HOMES:
        importlib.import_module(_HOMES[kind])
    if kind not in _OPENERS:
        raise CloudException(f"this program has no cloud of kind {kind!r}, which the job belongs to")
    return _OPENERS[kind]()


def active() -> "Session":
    """The session behind `cloud.call`, `cloud.map`, ...; made at first use."""
    global _active
    if _active is None:
        with _lock:
            if _active is None:
                _active = _first()
    return _active


def activate(session: "Session | None") -> "Session | None":
    """Put another session behind `cloud.call`, ... (None: the default one); returns the one before, still open."""
    global _active
    with _lock:
        before, _active = _active, session
    return before


def _first() -> "Session":
    """What `cloud` is before anything was said: the simulator if that is set, or if this is a job of it."""
    from cloud.client.inside import inside_channel
    from cloud.config import setting

    channel = inside_channel()
    inside = channel is not None and channel.serves and "PICLOUD_SIMULATED" in os.environ
    if inside or (channel is None and "PICLOUD_JOB_TOKEN" not in os.environ and setting("use_simulator")):
        return of_kind("simulated")
    from cloud.client.connect import network_session

    return network_session()


def switch(session: "Session") -> None:
    """Put another session behind `cloud.call`, ... and close the one before."""
    before = activate(session)
    if before is not None and before is not session:
        before.close()


def make_immutable() -> None:
    """Let `cloud.setkey` and `cloud.start_simulator` have no effect until the next commit."""
    global _immutable
    _immutable = True


def is_immutable() -> bool:
    """Whether `make_immutable` was called since the last commit."""
    return _immutable


def close_all() -> None:
    """Close every cloud of this program; what `cloud` is will be decided anew at its next use (SPEC S49)."""
    global _immutable
    _immutable = False
    before = activate(None)
    if before is not None:
        before.close()
    for session_of in list(_OPENERS.values()):
        session_of().close()


VALUES.at_commit(close_all)
