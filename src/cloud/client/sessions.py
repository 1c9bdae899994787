"""Which session is which: the active one of `cloud`, and those of other kinds, for handles out of a pickle."""

import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloud.errors import CloudException

if TYPE_CHECKING:
    from cloud.client.session import Session

_OPENERS: dict[str, Callable[[], "Session"]] = {}
_HOMES = {"mp": "cloud.mp"}
"""Modules that register the session of their kind when they are imported."""
_active: "Session | None" = None
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
                from cloud.client.connect import network_session

                _active = network_session()
    return _active


def activate(session: "Session | None") -> "Session | None":
    """Put another session behind `cloud.call`, ... (None: the default one); returns the one before, still open."""
    global _active
    with _lock:
        before, _active = _active, session
    return before
