"""Where jobs are, as a store tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Pending:
    """Jobs lo..hi-1 of a submission that no worker has: queued when `ready`, else waiting."""

    sid: int
    lo: int
    hi: int
    losses: int
    """How often an attempt of them was lost; the next attempt is `losses + 1`."""
    ready: bool
    account: int
    priority: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Jobs lo..hi-1 of a submission, given to one worker under one dispatcher's lease: they may have started."""

    cid: int
    sid: int
    lo: int
    hi: int
    attempt: int
    dispatcher: int
    agent: str
    """Which agent has them; '' for the engine in process."""


@dataclass(frozen=True, slots=True)
class Loss:
    """An attempt that was lost from outside, kept for people to read."""

    sid: int
    lo: int
    hi: int
    attempt: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """What of a submission people look for it by."""

    sid: int
    account: int
    label: str | None
    function_name: str


class Glance(NamedTuple):
    """What of a stretch can be said quickly; the rest is asked for where it matters."""

    open: bool
    """Whether a pending range or a claim overlaps."""
    failed: bool
    """Whether one may have ended in error, killed or stalled: False is certain."""
    whole: bool
    """Whether all of it has ended and nothing of it was deleted: True is certain."""
