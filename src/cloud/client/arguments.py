"""Which jobs a call means: one jid, or any iterable of jids and ranges (SPEC B.1)."""

import math
import operator
from collections.abc import Iterable
from typing import Any, SupportsIndex, cast

from cloud.errors import JobNotFound
from cloud.model import Ranges
from cloud.model.ranges import pack

Jids = int | Iterable[int | range]
"""What users may give: a jid, a range, or an iterable mixing jids and ranges."""


def read_jids(jids: Jids, kind: str = "") -> tuple[Ranges, bool]:
    """The jobs in the order given, and whether a single jid was given (so that a single answer is due).

    Args:
        jids: what the user gave.
        kind: of the cloud that was asked; handles of another one are refused.

    Raises:
        TypeError: it is neither, or something in it is not an integer; `bool` and `str` are not.
        JobNotFound: something in it is larger than any jid.
        ValueError: a handle belongs to another cloud, where this number names another job.
    """
    if getattr(jids, "_kind", kind) != kind:
        raise _foreign(jids, kind)
    if isinstance(jids, int) and not isinstance(jids, bool):
        jid = _possible(int(jids))
        return (range(jid, jid + 1),), True
    if isinstance(jids, range):
        return pack((jids,)), False
    as_range = getattr(jids, "as_range", None)  # `Jobs`: no need to look at each
    if isinstance(as_range, range):
        return pack((as_range,)), False
    if isinstance(jids, (str, bytes, bytearray, bool)) or jids is None:
        raise _refused(jids)
    if hasattr(jids, "__index__") and not hasattr(jids, "__len__"):  # a NumPy integer
        jid = _possible(operator.index(cast(SupportsIndex, jids)))
        return (range(jid, jid + 1),), True
    try:
        items = list(jids)
    except TypeError:
        raise _refused(jids) from None
    return pack([_checked(item, kind) for item in items]), False


def _checked(item: Any, kind: str) -> int | range:
    if type(item) is int:
        return _possible(item)
    if type(item) is range:
        return item
    if getattr(item, "_kind", kind) != kind:
        raise _foreign(item, kind)
    if isinstance(item, bool) or not hasattr(item, "__index__"):
        as_range = getattr(item, "as_range", None)
        if isinstance(as_range, range):
            return as_range
        raise _refused(item)
    return _possible(operator.index(item))


def _possible(jid: int) -> int:
    if jid.bit_length() > 63:  # no store could say so: its numbers end there
        raise JobNotFound("there is no such job: no jid is so long", jid=jid)
    return jid


def _foreign(handle: object, kind: str) -> ValueError:
    here, there = (f"cloud.{name}" if name else "cloud" for name in (kind, getattr(handle, "_kind", "")))
    return ValueError(f"{handle!r} belongs to {there}, not to {here}: use its own methods, or those of {there}")


def _refused(value: object) -> TypeError:
    return TypeError(
        f"jid(s) must be integers, not {value!r:.80}: give one jid, or an iterable of jids and ranges, "
        f"as cloud.call and cloud.map return them"
    )


def read_timeout(timeout: float | None, where: str) -> float | None:
    """Seconds to wait, or None for no limit, which is also what 0 means (SPEC B.4).

    Raises:
        TypeError: not a number.
        ValueError: negative or not a number in the other sense.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"{where}: timeout must be a number of seconds or None, not {timeout!r:.80}")
    if math.isnan(timeout):
        raise ValueError(f"{where}: timeout must be a number of seconds or None, not nan")
    if timeout < 0:
        raise ValueError(f"{where}: timeout must not be negative, got {timeout!r}; None means no limit")
    return float(timeout) or None
