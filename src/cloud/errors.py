"""Every error a user can meet.

    CloudException                what PiCloud's users catch
    ├── CloudTimeoutError         a wait ran out of time
    ├── JobError                  a job ended in error, killed or stalled
    ├── JobNotFound               no such job here: never was, deleted, or another account's
    ├── JobNotRunning             what was asked for exists only while a job runs
    ├── FileNotFound              no such file here: never was, deleted, or another account's
    ├── FileDamaged               what came of a file is not what was put
    ├── InvalidSubmission         the server refused what was asked for
    ├── LimitExceeded             an account has as much as it may have
    ├── NoInterpreter             no worker can open what this Python pickled
    ├── NotAuthorised             the key is missing, wrong or inactive
    ├── ServerUnavailable         the server cannot be reached, or is going away
    ├── StoreFull                 the disk under the server is full
    └── ProtocolMismatch          client and server are too far apart in version

`KilledException` is raised *inside* a job that is being killed; it is a BaseException so that `except Exception` in the
job does not swallow it. Each class has a `code`, its name on the wire, and an HTTP status; `from_wire` is the way back.
"""

from typing import Any, ClassVar

from cloud.model.ranges import pack


class CloudException(Exception):
    """Something went wrong in or through cloud.

    Attributes:
        jid: the job it is about, or a list of jids, or None.
        status: that job's status as a word, or a number for the server's own errors, or None.
        parameter: the message; for a job that raised, the remote traceback.
        hint: what to do next, or None.
        retry: whether the same request may be sent again.
    """

    code: ClassVar[str] = "cloud"
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        value: str,
        jid: Any = None,
        status: str | int | None = None,
        retry: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(jid, status, value, jid)
        self.parameter = value
        self.jid = jid
        self.status = status
        self.retry = retry
        self.hint = hint

    def __str__(self) -> str:
        if self.jid is not None:
            text = f"{_who(self.jid)}: {self.parameter}"
        elif isinstance(self.status, int):
            text = f"Error {self.status}: {self.parameter}"
        else:
            text = self.parameter
        return f"{text}\nTIP: {self.hint}" if self.hint else text

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.parameter, self.jid, self.status, self.retry, self.hint)


class CloudTimeoutError(CloudException):
    """A wait ran out of time; `jid` lists the jobs that had not finished."""

    code = "timeout"
    http_status = 408

    def __init__(self, value: str = "Timed out", jid: Any = None, hint: str | None = None) -> None:
        super().__init__(value, jid=jid, hint=hint)


class JobError(CloudException):
    """A job ended in error, killed or stalled; `status` says which, `__cause__` is the original exception if it can."""

    code = "job"
    http_status = 409


class JobNotFound(CloudException):
    """No such job here: it never was, was deleted, or belongs to another account."""

    code = "job-not-found"
    http_status = 404


class JobNotRunning(CloudException):
    """What was asked for exists only while a job runs; `status` says what it does instead."""

    code = "job-not-running"
    http_status = 409


class FileNotFound(CloudException):
    """No such file here: it never was, was deleted or replaced, or belongs to another account."""

    code = "file-not-found"
    http_status = 404


class FileDamaged(CloudException):
    """What came of a file does not have the digest that was stored with it."""

    code = "file-damaged"
    http_status = 502


class InvalidSubmission(CloudException):
    """The server refused what was asked for; nothing was created."""

    code = "invalid"
    http_status = 400


class LimitExceeded(CloudException):
    """The account has as much as it may have; nothing was created."""

    code = "limit"
    http_status = 429


class NoInterpreter(CloudException):
    """No worker can open what this version of Python pickled; nothing was created."""

    code = "no-interpreter"
    http_status = 422


class NotAuthorised(CloudException):
    """The key is missing, wrong or inactive."""

    code = "not-authorised"
    http_status = 401


class ServerUnavailable(CloudException):
    """The server cannot be reached, or is going away; what it stored is safe and the request may be repeated."""

    code = "unavailable"
    http_status = 503


class StoreFull(CloudException):
    """The disk under the server is full; nothing that was stored is lost, the request was not carried out."""

    code = "full"
    http_status = 507


class ProtocolMismatch(CloudException):
    """Client and server speak versions of the wire protocol that do not meet."""

    code = "protocol"
    http_status = 426


class KilledException(BaseException):
    """Raised inside a job that is being killed. Clean up quickly: the grace period is half a second."""

    def __init__(self, value: str = "Job terminated by user") -> None:
        super().__init__(value)


def _who(jid: Any) -> str:
    """'Job 7'; of a list 'Jobs 3..9 and 15', 'Jobs 1, 3, 5 and 1,200 others'."""
    if not isinstance(jid, list) or not all(isinstance(one, int) for one in jid):
        return f"Job {jid}"
    ranges = pack(jid)
    names = [str(r.start) if len(r) == 1 else f"{r.start}..{r.stop - 1}" for r in ranges[:3]]
    if len(jid) == 1 or not names:
        return f"Job {''.join(names) or jid}"
    if more := sum(map(len, ranges[3:])):
        names.append(f"{more:,} other{'s' if more > 1 else ''}")
    return f"Jobs {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"Jobs {names[0]}"


def _rebuild(
    cls: type[CloudException], value: str, jid: Any, status: str | int | None, retry: bool, hint: str | None
) -> CloudException:
    error = cls(value)
    error.args = (jid, status, value, jid)
    error.jid, error.status, error.retry, error.hint = jid, status, retry, hint
    return error


_BY_CODE: dict[str, type[CloudException]] = {
    cls.code: cls
    for cls in (
        CloudException, CloudTimeoutError, JobError, JobNotFound, JobNotRunning, FileNotFound, FileDamaged,
        InvalidSubmission, LimitExceeded, NoInterpreter, NotAuthorised, ServerUnavailable, StoreFull, ProtocolMismatch,
    )
}  # fmt: skip


def to_wire(error: CloudException) -> dict[str, Any]:
    """The error as a JSON object, for the other side of a connection."""
    return {
        "code": error.code,
        "msg": error.parameter,
        "jid": error.jid,
        "status": error.status,
        "retry": error.retry,
        "hint": error.hint,
    }


def from_wire(fields: dict[str, Any]) -> CloudException:
    """The error that `to_wire` described; an unknown code becomes a plain `CloudException`."""
    cls = _BY_CODE.get(str(fields.get("code")), CloudException)
    return _rebuild(
        cls,
        str(fields.get("msg", "unknown error")),
        fields.get("jid"),
        fields.get("status"),
        bool(fields.get("retry")),
        fields.get("hint"),
    )
