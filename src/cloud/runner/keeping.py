"""What a job returned, made into bytes: size limit, trace of a failure, log for people (SPEC D.2, D.3, S72)."""

import contextlib
from typing import Any

from cloud.model import Buffer
from cloud.pickling import dumps, size_of, too_large
from cloud.runner.work import Work


def keep(value: Any, work: Work, seq: int) -> list[Buffer]:
    """The envelope of a result.

    Raises:
        ExcessiveData: it is larger than `max_transmit_data`.
        Exception: whatever pickling raises; at level 0 with a note that shows the way to the culprit.
    """
    try:
        parts = dumps(value, work.level, work.max_bytes)
    except Exception as error:
        if work.level == 0:
            from cloud.pickling.trace import pickle_trace

            if trace := pickle_trace(value, work.max_bytes):
                error.add_note(trace)
            _write_log(value, work, seq)
        raise
    if work.datalog and work.level == 0:
        _write_log(value, work, seq)
    if (len(parts) > 1 or len(parts[0]) > work.max_bytes) and (size := size_of(parts)) > work.max_bytes:
        raise too_large(value, size, work.max_bytes, "the result", verb="returned")
    return parts


def _write_log(value: Any, work: Work, seq: int) -> None:
    """The result as XML; a log that cannot be written does not change how the job ends."""
    if not work.datalog:
        return
    from cloud.pickling.trace import document

    ending = "result" if work.call else f"jobresult_{work.first + seq - work.seq}"
    with (
        contextlib.suppress(Exception),
        open(f"{work.datalog}.{ending}.xml", "w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        file.write(document(value, max_bytes=work.max_bytes))
