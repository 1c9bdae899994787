"""`join` and `result`: wait for jobs, in batches, and fail as soon as one of them did."""

import logging
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from cloud.api import Ended, JobApi
from cloud.client.inside import inside_channel
from cloud.client.naming import printable
from cloud.client.opening import error_of, first_failure, values_of
from cloud.client.patience import Patience
from cloud.errors import CloudException, JobError, JobNotFound
from cloud.model import Ranges
from cloud.model.ranges import normal, subtract
from cloud.wire.failure_text import gist

log = logging.getLogger("Cloud")

LINGER_SECONDS = 0.02
"""Once there is something, how long `result` waits for more, so that thousands of tiny jobs take few requests."""


def join(api: JobApi, jids: Ranges, patience: Patience, *, ignore_errors: bool) -> None:
    """Block until all are finished.

    Raises:
        JobError: one failed (at once, though others still run); not with `ignore_errors`.
        CloudTimeoutError: the patience is over; `jid` lists what is unfinished.
        JobNotFound: one of them does not exist.
    """
    missing = normal(jids)
    with patience:
        while missing:
            waited = api.wait(missing, timeout_seconds=patience.step(missing), stop_on_failure=not ignore_errors)
            if waited.failed is not None and not ignore_errors:
                raise noted(api, failure(api, waited.failed))
            missing = normal(waited.unfinished)
            if missing:
                patience.check(missing, waited.queued)


def noted(api: JobApi, error: CloudException) -> CloudException:
    """The error, which the log knows of now (SPEC B.1), with a note about where the job failed."""
    log.warning("job %s, %s: %s", error.jid, error.status, gist(error.parameter))
    # Inside a job the last line stays the exception's own: it is what failures are told apart by.
    if isinstance(error, JobError) and isinstance(error.jid, int) and inside_channel() is None:
        note = circumstances(api, error.jid)
        if note:
            error.add_note(note)
    return error


def circumstances(api: JobApi, jid: int) -> str:
    """'Job 7 (render at film.py:12) failed on machine-3, attempt 2 (1 lost: ...)'; '' if it is not known to have
    run, or if the cloud does not answer."""
    try:
        about = api.info((range(jid, jid + 1),), ["status", "function", "machine", "attempts"])[0]
        *lost, last = about["attempts"]
    except Exception:  # the error itself matters more
        return ""
    function, _, place = printable(str(about["function"] or ""), 300).partition(" at ")
    who = f" ({function.rpartition('.')[2]} at {place})" if place else f" ({function})" if function else ""
    where = f" on {printable(str(about['machine']))}" if about.get("machine") else ""
    reasons: dict[str, list[str]] = {}
    for loss in lost:
        reasons.setdefault(printable(str(loss["reason"]), 200), []).append(str(loss["attempt"]))
    before = "; ".join(f"{', '.join(numbers)} lost: {reason}" for reason, numbers in reasons.items())
    end = "was killed" if about["status"] == "killed" else "failed"
    return f"Job {jid}{who} {end}{where}, attempt {last['attempt']}" + (f" ({before})" if before else "")


def failure(api: JobApi, jid: int) -> CloudException:
    """The error of a job that failed."""
    for ended in api.outcomes((range(jid, jid + 1),), timeout_seconds=0):
        return error_of(ended, ended.outcomes.lo + jid - ended.jid)
    return JobNotFound(f"no job {jid}: it was deleted while it was waited for", jid=jid)


def gather(api: JobApi, jids: Ranges, patience: Patience, *, ignore_errors: bool) -> list[Ended]:
    """Outcomes of all these jobs, ascending by jid, once all are finished. Errors as for `join`."""
    missing = normal(jids)
    got: list[Ended] = []
    with patience:
        while missing:
            answer = api.outcomes(missing, timeout_seconds=patience.step(missing), linger_seconds=LINGER_SECONDS)
            for ended in answer:
                if not ignore_errors and (index := first_failure(ended)) is not None:
                    raise noted(api, error_of(ended, index))
            got += answer
            if len(answer) == 1 and (answer[0].jids,) == missing:
                break
            missing = subtract(missing, normal(ended.jids for ended in answer))
            if missing:
                patience.check(missing)
    got.sort(key=lambda ended: ended.jid)
    return got


def values(api: JobApi, jids: Ranges, got: Sequence[Ended], *, ignore_errors: bool) -> list[Any]:
    """Results of the jobs in the order of `jids`.

    Raises:
        CloudException: one failed or cannot be opened here; with `ignore_errors` the exception takes its place.
    """
    starts = [ended.jid for ended in got]
    answer: list[Any] = []
    for wanted in jids:
        start = wanted.start
        while start < wanted.stop:
            ended = got[bisect_right(starts, start) - 1]
            stop = min(wanted.stop, ended.jids.stop)
            answer += values_of(api, ended, range(start, stop), ignore_errors=ignore_errors)
            start = stop
    return answer
