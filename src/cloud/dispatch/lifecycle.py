"""What follows what: every rule about statuses, pure. Stores remember, engines run, this module decides.

waiting -> queued -> processing -> done | error | killed
waiting -> stalled | killed        queued -> killed        processing -> queued (lost, restartable)
"""

from enum import Enum

from cloud.model import Spec, Status

MAX_LOSSES = 3
"""A restartable job whose attempts are lost from outside is started again at most this often (DESIGN D8)."""

KILLED_TEXT = "Killed"
STALLED_TEXT = "Could not start due to dependency erroring"


_ENDED = {Status.ERROR: "ended in error", Status.KILLED: "was killed", Status.STALLED: "stalled"}


class Verdict(Enum):
    """What a barrier says about the jobs behind it."""

    WAIT = "wait"
    RELEASE = "release"
    STALL = "stall"


def at_barrier(spec: Spec, *, all_finished: bool, any_failed: bool) -> Verdict:
    """What becomes of jobs whose dependencies are in this state (SPEC S34, S36a)."""
    if any_failed and spec.depends_on_errors == "abort":
        return Verdict.STALL
    return Verdict.RELEASE if all_finished else Verdict.WAIT


def after_loss(spec: Spec, attempt: int) -> Status:
    """What a claimed job becomes when its worker or dispatcher is gone from outside: QUEUED or ERROR.

    Args:
        spec: of the job.
        attempt: number of the attempt that was lost, from 1.
    """
    if not spec.restartable or attempt > MAX_LOSSES:
        return Status.ERROR
    return Status.QUEUED


def loss_text(spec: Spec, attempt: int, reason: str) -> str:
    """The message of a job that `after_loss` made an error."""
    if not spec.restartable:
        return f"{reason}; the job may have run in part and was not started again, because _restartable is False"
    return f"{reason}; this was attempt {attempt} and all before it were lost too, so the job was given up"


def spoilt_text(error: Exception) -> str:
    """The message of jobs that no worker can be given, because of how they were submitted or a fault of ours."""
    return f"The job could not be started: {type(error).__name__}: {error}. The log of the server has more."


def stalled_text(jid: int, called: str, status: Status, error: str) -> str:
    """The message of jobs that stall because job `jid`, a call of `called`, failed; down a chain of dependencies it
    names the first that did.

    Args:
        jid, called, status, error: of the job they depend on.
    """
    beginning = STALLED_TEXT + ": "
    if status is Status.STALLED and error.startswith(beginning):
        return error
    return f"{beginning}job {jid} ({called}) {_ENDED[status]}"
