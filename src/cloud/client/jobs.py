"""The handles that `call` and `map` return: integers, and ranges of them, with what can be done with jobs (D17).

A `Job` is its jid in every respect: it can be stored, sent as JSON, compared and used as a key. A handle that was
pickled finds its cloud again when it is used.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from cloud.client import sessions
from cloud.client.naming import printable
from cloud.client.other_words import unknown
from cloud.client.terse import terse

if TYPE_CHECKING:
    from cloud.client.info import Fields
    from cloud.client.session import Session


@terse
class Job(int):
    """One job: its jid, with methods."""

    _session: "Session | None"
    _kind: str
    _name: str

    def __new__(cls, jid: int, kind: str = "", name: str = "", session: "Session | None" = None) -> "Job":
        """`kind` says which cloud has the job ('' for `cloud` itself), `name` is its function's."""
        job = super().__new__(cls, jid)
        job._kind = kind
        job._name = name
        job._session = session
        return job

    if not TYPE_CHECKING:  # to whom any name would be one then
        __getattr__ = unknown

    @property
    def _cloud(self) -> "Session":
        return self._session or sessions.of_kind(self._kind)

    @property
    def jid(self) -> int:
        """The bare integer."""
        return int(self)

    def result(self, timeout: float | None = None, *, progress: bool | None = None) -> Any:
        """What the function returned, as `cloud.result`."""
        return self._cloud.result(self, timeout, progress=progress)

    def join(self, timeout: float | None = None, *, progress: bool | None = None) -> None:
        """Wait until it is finished, as `cloud.join`."""
        self._cloud.join(self, timeout, progress=progress)

    @property
    def status(self) -> str:
        """'waiting', 'queued', ... as `cloud.status`."""
        return self._cloud.status(int(self))

    def info(self, info_requested: "Fields" = None) -> dict[str, Any]:
        """The inner dict of `cloud.info`."""
        return self._cloud.info(int(self), info_requested)[int(self)]

    def why(self) -> str:
        """Why it does not run yet, as `cloud.why`."""
        return self._cloud.why(int(self))

    def rerun(self) -> "Job":
        """Run it once more, as a new job, as `cloud.rerun`."""
        return self._cloud.rerun(self)

    def kill(self, *, force: bool = False) -> None:
        """As `cloud.kill`."""
        self._cloud.kill(int(self), force=force)

    def delete(self) -> None:
        """As `cloud.delete`."""
        self._cloud.delete(int(self))

    @property
    def stdout(self) -> str:
        """What it printed, so far."""
        return str(self.info("stdout")["stdout"])

    @property
    def stderr(self) -> str:
        """What it wrote to standard error, so far."""
        return str(self.info("stderr")["stderr"])

    @overload
    def output(self, stream: str = "stdout", *, follow: Literal[False] = False) -> str: ...
    @overload
    def output(self, stream: str = "stdout", *, follow: Literal[True]) -> Iterator[str]: ...
    def output(self, stream: str = "stdout", *, follow: bool = False) -> str | Iterator[str]:
        """What it wrote to a stream, or an iterator over it while it runs, as `cloud.output`."""
        if follow:
            return self._cloud.output(int(self), stream, follow=True)
        return self._cloud.output(int(self), stream)

    def stack(self) -> str:
        """Where it is while it runs, as `cloud.stack`."""
        return self._cloud.stack(int(self))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._cloud.asynchronous.result(self).__await__()

    def __str__(self) -> str:
        return int.__repr__(self)

    def __format__(self, form: str) -> str:
        return int.__format__(int(self), form)

    def __repr__(self) -> str:
        return f"<Job {int(self)} {printable(self._name)}>" if self._name else f"<Job {int(self)}>"

    def _repr_html_(self) -> str:
        from cloud.client.showing import markup_of

        return markup_of(self)

    def _ipython_display_(self) -> None:
        from cloud.client.showing import display

        display(self)

    def __reduce__(self) -> Any:
        return Job, (int(self), self._kind, self._name)


@terse
class Jobs(Sequence[Job]):
    """Jobs with consecutive jids: a sequence that stands for a `range`, with the methods of a job for all of them."""

    __slots__ = ("_kind", "_name", "_session", "as_range")

    as_range: range
    """The jids."""

    def __init__(self, jids: range, kind: str = "", name: str = "", session: "Session | None" = None) -> None:
        self.as_range = jids
        self._kind = kind
        self._name = name
        self._session = session

    if not TYPE_CHECKING:
        __getattr__ = unknown

    @property
    def _cloud(self) -> "Session":
        return self._session or sessions.of_kind(self._kind)

    def result(
        self, timeout: float | None = None, ignore_errors: bool = False, *, progress: bool | None = None
    ) -> list[Any]:
        """What the function returned for each, in order, as `cloud.result`."""
        results: list[Any] = self._cloud.result(self, timeout, ignore_errors, progress=progress)
        return results

    def iresult(
        self,
        timeout: float | None = None,
        num_in_parallel: int = 4,
        ignore_errors: bool = False,
        *,
        progress: bool | None = None,
    ) -> Iterator[Any]:
        """Results one after another, as `cloud.iresult`."""
        return self._cloud.iresult(self, timeout, num_in_parallel, ignore_errors, progress=progress)

    def join(self, timeout: float | None = None, ignore_errors: bool = False, *, progress: bool | None = None) -> None:
        """Wait until all are finished, as `cloud.join`."""
        self._cloud.join(self, timeout, ignore_errors, progress=progress)

    @property
    def status(self) -> list[str]:
        """The status of each, as `cloud.status`."""
        return self._cloud.status(self)

    def info(self, info_requested: "Fields" = None) -> dict[int, dict[str, Any]]:
        """As `cloud.info`."""
        return self._cloud.info(self, info_requested)

    def rerun(self) -> "Jobs":
        """Run them once more, as new jobs, as `cloud.rerun`."""
        return self._cloud.rerun(self)

    def kill(self, *, force: bool = False) -> None:
        """As `cloud.kill`."""
        self._cloud.kill(self, force=force)

    def delete(self) -> None:
        """As `cloud.delete`."""
        self._cloud.delete(self)

    @property
    def stdout(self) -> list[str]:
        """What each printed, so far."""
        return [info["stdout"] for info in self.info("stdout").values()]

    @property
    def stderr(self) -> list[str]:
        """What each wrote to standard error, so far."""
        return [info["stderr"] for info in self.info("stderr").values()]

    def __await__(self) -> Generator[Any, None, list[Any]]:
        return self._cloud.asynchronous.result(self).__await__()

    def of_jid(self, jid: int) -> Job:
        """The handle of one of them."""
        return Job(jid, self._kind, self._name, self._session)

    def __len__(self) -> int:
        return len(self.as_range)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> "Jobs": ...
    def __getitem__(self, index: int | slice) -> "Job | Jobs":
        if isinstance(index, slice):
            return Jobs(self.as_range[index], self._kind, self._name, self._session)
        return self.of_jid(self.as_range[index])

    def __iter__(self) -> Iterator[Job]:
        kind, name, session = self._kind, self._name, self._session
        for jid in self.as_range:
            yield Job(jid, kind, name, session)

    def __contains__(self, jid: object) -> bool:
        return jid in self.as_range

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Position of a jid."""
        position = self.as_range.index(value)
        if position < start or (stop is not None and position >= stop):
            raise ValueError(f"{value!r} is not in that part")
        return position

    def count(self, value: Any) -> int:
        """1 when it is there, else 0."""
        return self.as_range.count(value)

    def __eq__(self, other: object) -> bool:
        """Equal to the `range` it stands for, and to a list of the same jids."""
        if isinstance(other, Jobs):
            return self.as_range == other.as_range
        if isinstance(other, range):
            return self.as_range == other
        if isinstance(other, list):
            return len(self) == len(other) and all(a == b for a, b in zip(self.as_range, other, strict=True))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.as_range)

    def _span(self) -> str:
        jids = self.as_range
        if not jids:
            return "none"
        step = f" step {jids.step}" if abs(jids.step) != 1 and len(jids) > 1 else ""
        return f"{jids[0]}..{jids[-1]}{step}" if len(jids) > 1 else str(jids[0])

    def __repr__(self) -> str:
        return f"<Jobs {self._span()} of {printable(self._name)}>" if self._name else f"<Jobs {self._span()}>"

    def _repr_html_(self) -> str:
        from cloud.client.showing import markup_of

        return markup_of(self)

    def _ipython_display_(self) -> None:
        from cloud.client.showing import display

        display(self)

    def __reduce__(self) -> Any:
        return Jobs, (self.as_range, self._kind, self._name)
