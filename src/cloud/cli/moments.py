"""Times as people write and read them: `2d`, `2026-02-01T08:00`, '3 minutes ago'."""

import re
import time
from datetime import datetime

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_since_epoch(text: str) -> float:
    """A moment in the past, or an ISO date and time in this machine's time zone.

    Raises:
        click.UsageError: it is neither.
    """
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text):
        return time.time() - float(found[1]) * _SECONDS[found[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise click.UsageError(f"{text!r} is no time: write 90s, 10m, 4h, 2d, or 2026-02-01T08:00") from None


def ago(moment: float) -> str:
    """'12 s ago', '3 h ago', then the date."""
    seconds = max(0.0, time.time() - moment)
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (7 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d")
