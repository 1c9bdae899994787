"""The function of a job: pickled once for a whole map, named by its digest."""

import hashlib
from collections.abc import Callable
from typing import Any

from cloud.model import Buffer


def dump_function(function: Callable[..., Any]) -> tuple[str, bytes]:
    """SHA-256 (hexadecimal) and pickle of a callable, always by the enhanced pickler (SPEC S40).

    Raises:
        Exception: whatever pickling raises.
    """
    import cloudpickle

    packed: bytes = cloudpickle.dumps(function, protocol=5)
    return hashlib.sha256(packed).hexdigest(), packed


def load_function(packed: Buffer) -> Callable[..., Any]:
    """The callable that `dump_function` pickled, under the same version of Python.

    Raises:
        Exception: whatever unpickling raises.
    """
    import pickle

    function: Callable[..., Any] = pickle.loads(packed)
    return function
