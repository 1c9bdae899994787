"""The function of a job: pickled once for a whole map, named by its digest."""

import hashlib
from collections.abc import Callable
from typing import Any

from cloud.model import Buffer
from cloud.pickling.limits import MAX_BYTES
from cloud.pickling.plain import PlainFunctions

_PLAIN = PlainFunctions()
"""Digest and pickle of functions that would only be pickled to the same bytes again."""


def dump_function(function: Callable[..., Any], max_bytes: int = MAX_BYTES) -> tuple[str, bytes]:
    """SHA-256 (hexadecimal) and pickle of a callable, always by the enhanced pickler (SPEC S40).

    Open files in it that are larger than `max_bytes` are refused; the whole is not measured here.

    Raises:
        Exception: whatever pickling raises.
    """
    known: tuple[str, bytes] | None = _PLAIN.get(function)
    if known is not None:
        return known
    from cloud.pickling.pickler import pickled

    packed = pickled(function, None, max_bytes)
    digest = hashlib.sha256(packed).hexdigest()
    _PLAIN.put(function, (digest, packed))
    return digest, packed


def load_function(packed: Buffer) -> Callable[..., Any]:
    """The callable that `dump_function` pickled, under the same version of Python.

    Raises:
        Exception: whatever unpickling raises.
    """
    import pickle

    function: Callable[..., Any] = pickle.loads(packed)
    return function
