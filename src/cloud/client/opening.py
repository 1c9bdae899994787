"""Outcomes to values and errors: results unpickled anew at each reading, failures as `JobError`."""

import os
import re
import sys
from typing import Any

from cloud import pickling
from cloud.api import Ended, JobApi
from cloud.errors import CloudException, JobError
from cloud.model import Buffer, Status

_FAILED = (bytes([Status.ERROR]), bytes([Status.KILLED]), bytes([Status.STALLED]))
_WITHOUT_TEXT = {
    Status.STALLED: "Could not start due to dependency erroring",
    Status.KILLED: "Killed",
    Status.ERROR: "The job failed, and left no traceback",
}


_TRAVELLED = re.compile(r'(?<=File ")[^"\n]*[/\\]code-[0-9a-f]{32}[/\\]([^"\n]+)(?=", line )')
"""In a traceback: a file of a local module that travelled with the job, in a folder that is soon gone."""


def _own_path(file: re.Match[str]) -> str:
    """The user's file that it is a copy of, if it is on this program's path."""
    for folder in sys.path:
        if os.path.isfile(path := os.path.join(folder, file[1])):
            return path
    return file[1]


def first_failure(ended: Ended) -> int | None:
    """Index (within the submission) of the first failed job of these, or None."""
    status = ended.outcomes.status
    found = [at for code in _FAILED if (at := status.find(code)) >= 0]
    return ended.outcomes.lo + min(found) if found else None


def error_of(ended: Ended, index: int) -> JobError:
    """Why a failed job failed; its `__cause__` is the exception that it raised, where that can be opened here."""
    outcomes = ended.outcomes
    status = outcomes.status_of(index)
    text = bytes(outcomes.bytes_of("error", index)).decode("utf-8", "replace") or _WITHOUT_TEXT.get(
        status, "The job failed"
    )
    if "code-" in text:
        text = _TRAVELLED.sub(_own_path, text)
    error = JobError(text, jid=ended.jid + index - outcomes.lo, status=status.word)
    raised = outcomes.bytes_of("exception", index)
    if raised:
        try:
            cause = pickling.loads(raised, ended.cache_tag or pickling.CACHE_TAG)
        except Exception:  # a class that is not here, another Python: the text says it all
            return error
        if isinstance(cause, BaseException):
            error.__cause__ = cause
    return error


def value_of(api: JobApi, ended: Ended, index: int, blob: Buffer | None = None) -> Any:
    """What a done job returned.

    Args:
        api: where to read a large result.
        ended: its outcome and its neighbours'.
        index: of the job, within the submission.
        blob: the large result, if it was read already.

    Raises:
        JobError: the job failed.
        CloudException: its result cannot be opened here; `__cause__` says why.
    """
    outcomes = ended.outcomes
    if outcomes.status_of(index) is not Status.DONE:
        raise error_of(ended, index)
    jid = ended.jid + index - outcomes.lo
    if index in outcomes.blobs:
        envelope = blob if blob is not None else api.read(jid, outcomes.blobs[index].name)
    else:
        envelope = outcomes.bytes_of("result", index)
    try:
        return pickling.loads(envelope, ended.cache_tag or pickling.CACHE_TAG)
    except Exception as error:
        raise CloudException(
            f"its result cannot be opened here: {type(error).__name__}: {error}",
            jid=jid,
            status=Status.DONE.word,
            hint="the modules of the classes in it must be importable where it is read",
        ) from error


def values_of(api: JobApi, ended: Ended, jids: range, *, ignore_errors: bool) -> list[Any]:
    """Values of several of these jobs in order; errors as for `value_of`, put in place with `ignore_errors`."""
    outcomes = ended.outcomes
    lo, hi = jids.start - ended.jid, jids.stop - ended.jid
    if outcomes.result is not None and not outcomes.blobs and _all_done(outcomes.status, lo, hi):
        try:
            return pickling.loads_column(outcomes.result, lo, hi, ended.cache_tag or pickling.CACHE_TAG)
        except Exception:
            pass  # one by one, then: each gets its own error
    values: list[Any] = []
    for index in range(outcomes.lo + lo, outcomes.lo + hi):
        try:
            values.append(value_of(api, ended, index))
        except CloudException as error:
            if not ignore_errors:
                raise
            values.append(error)
    return values


def _all_done(status: bytes, lo: int, hi: int) -> bool:
    return status == bytes([Status.DONE]) or (len(status) > 1 and status.count(Status.DONE, lo, hi) == hi - lo)
