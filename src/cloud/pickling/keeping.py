"""What a job returned, made into bytes: size limit, trace of a failure, log for people (SPEC D.2, D.3, S72)."""

import contextlib
import pickle
from typing import Any

from cloud.model import Buffer
from cloud.pickling.aside import PROTOCOL
from cloud.pickling.envelope import SCALARS, dumps
from cloud.pickling.limits import size_of, too_large


def keep(value: Any, level: int, max_bytes: int, log: str = "") -> list[Buffer]:
    """The envelope of a result.

    Args:
        value: the result.
        level: `_fast_serialization`.
        max_bytes: `max_transmit_data`.
        log: path of the file for its serialization log, which is written at level 0; empty: none.

    Raises:
        ExcessiveData: it is larger than `max_bytes`.
        Exception: whatever pickling raises; at level 0 with a note that shows the way to the culprit.
    """
    if type(value) in SCALARS and not log:
        packed = pickle.dumps(value, PROTOCOL)
        if len(packed) <= max_bytes:
            return [packed]
    try:
        parts = dumps(value, level, max_bytes)
    except Exception as error:
        if level == 0:
            from cloud.pickling.trace import pickle_trace

            if trace := pickle_trace(value, max_bytes):
                error.add_note(trace)
            if log:
                _write(log, value, max_bytes)
        elif level_that_takes(value, level) is not None:
            error.add_note("With _fast_serialization=1 it can be pickled.")
        raise
    if log and level == 0:
        _write(log, value, max_bytes)
    if (len(parts) > 1 or len(parts[0]) > max_bytes) and (size := size_of(parts)) > max_bytes:
        raise too_large(value, size, max_bytes, "the result", verb="returned")
    return parts


def level_that_takes(value: Any, level: int) -> int | None:
    """After a failure of the plain pickler: 1, if the enhanced one takes the value (SPEC S42a)."""
    if level >= 2:
        with contextlib.suppress(Exception):
            dumps(value, 1)
            return 1
    return None


def log_of(datalog: str, index: int | None) -> str:
    """Where the log of a result is: of a call (no index), or of the job of a map with that index."""
    return f"{datalog}.{'result' if index is None else f'jobresult_{index}'}.xml" if datalog else ""


def _write(path: str, value: Any, max_bytes: int) -> None:
    """A log that cannot be written does not change how the job ends."""
    from cloud.pickling.trace import document

    with contextlib.suppress(Exception), open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(document(value, max_bytes=max_bytes))
