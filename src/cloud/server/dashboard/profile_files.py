"""Profiles as files for other programs: `pstats`, and speedscope.app."""

import json
import struct
from typing import Any

from cloud.server.dashboard.flame import frames_of
from cloud.server.dashboard.profile import Profile, Timed

_Function = tuple[str, int, str]


def to_pstats(profile: Profile) -> bytes:
    """What `pstats.Stats(file)` loads."""
    callers: list[dict[_Function, tuple[int, int, float, float]]] = [{} for _ in profile.rows]
    for edge in profile.edges:  # in callers all calls stand before the primitive ones, in functions behind them
        name = _function(profile.rows[edge.caller])
        callers[edge.callee][name] = (edge.calls, edge.primitive, edge.own, edge.cumulative)
    return _marshalled(
        {
            _function(row): (row.primitive, row.calls, row.own, row.cumulative, called_by)
            for row, called_by in zip(profile.rows, callers, strict=True)
        }
    )


def to_speedscope(profile: Profile, name: str) -> bytes:
    """A file of speedscope's format, with the stacks of the flame graph and their own times as weights."""
    samples, weights = [], []
    for frame in frames_of(profile):
        if frame.own > 0:
            samples.append(frame.stack())
            weights.append(frame.own)
    shared = [
        {"name": row.function, **({"file": row.file, "line": row.line} if row.line else {})} for row in profile.rows
    ]
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "picloud",
        "name": name,
        "activeProfileIndex": 0,
        "shared": {"frames": shared},
        "profiles": [
            {
                "type": "sampled",
                "name": f"{name}, from call edges",
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _function(row: Timed) -> _Function:
    return row.file, row.line, row.function


def _marshalled(value: Any) -> bytes:
    """As `marshal.dumps`, for what is in a profile. Written out, so that the server can have no `marshal.loads`: what
    that is given may crash the process."""
    kind = type(value)
    if kind is int:
        return b"i" + struct.pack("<i", value) if -(1 << 31) <= value < 1 << 31 else _long(value)
    if kind is float:
        return b"g" + struct.pack("<d", value)
    if kind is str:
        text: bytes = value.encode("utf-8", "surrogatepass")
        return b"u" + struct.pack("<i", len(text)) + text
    if kind is tuple:
        return b"(" + struct.pack("<i", len(value)) + b"".join(map(_marshalled, value))
    assert kind is dict
    return b"{" + b"".join(_marshalled(key) + _marshalled(item) for key, item in value.items()) + b"0"


def _long(value: int) -> bytes:
    digits, left = [], abs(value)
    while left:
        digits.append(left & 0x7FFF)
        left >>= 15
    number = len(digits) if value > 0 else -len(digits)
    return b"l" + struct.pack(f"<i{len(digits)}H", number, *digits)
