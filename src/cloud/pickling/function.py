"""The function of a job: pickled once for a whole map, named by its digest."""

import hashlib
from collections.abc import Callable
from typing import Any


def dump_function(function: Callable[..., Any]) -> tuple[str, bytes]:
    """SHA-256 (hexadecimal) and pickle of a callable, always by the enhanced pickler (SPEC S40).

    Raises:
        Exception: whatever pickling raises.
    """
    import cloudpickle

    packed: bytes = cloudpickle.dumps(function, protocol=5)
    return hashlib.sha256(packed).hexdigest(), packed
