"""Settings of a server: read once from arguments and environment, checked, frozen."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cloud.config import ConfigError
from cloud.server.configuration.sections import MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server behaves."""

    slots: int
    """Jobs that run at once, at least 1."""
    idle_seconds: float | None = None
    """Stop after so long without unfinished jobs and clients; None: never."""
    grace_seconds: float = 5.0
    """How long a stopping server lets answers finish."""
    max_body_bytes: int = MAX_BODY_BYTES
    """Longest request."""
    names: tuple[str, ...] = ()
    """Host names by which this server may be addressed, besides localhost."""
    url_prefix: str = ""
    """Before all paths, where a proxy passes it on."""
    proxies: tuple[str, ...] = ()
    """Addresses and networks of those who may say for whom they ask."""
    foreground: bool = False
    """Run by an operator: there are /readyz and /metrics, and a second signal ends it at once."""
    metrics_token: str = ""
    """Opens /metrics, besides an administrator's key."""
    log_requests: bool = False
    """A line in the log for each."""


def slots_of(workers: int) -> int:
    """The number of slots for a wanted number of workers; 0: one for each core that this process may use.

    Raises:
        ConfigError: it is negative.
    """
    if workers < 0:
        raise ConfigError(f"{workers} workers: expected a number of processes, or 0 for one per core")
    if workers:
        return workers
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def idle_seconds_from(environment: Mapping[str, str]) -> float | None:
    """PICLOUD_IDLE_MINUTES: 60 when not set; 0 means never.

    Raises:
        ConfigError: it is not a number, or is negative.
    """
    text = environment.get("PICLOUD_IDLE_MINUTES", "").strip() or "60"
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes < 1e7:
        raise ConfigError(f"PICLOUD_IDLE_MINUTES is {text!r}; expected a number of minutes, 0 for never")
    return minutes * 60 or None
