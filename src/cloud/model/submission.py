"""What a user asked for, before jids exist (`Spec`), and what the store knows of it (`Submission`)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cloud.model.environment import Environment
from cloud.model.ranges import Ranges

CORE_TYPES = ("c1", "c2", "f2", "m1", "s1")
"""Types that jobs may name everywhere."""
LONGEST_LABEL = 1000
"""Characters."""


@dataclass(frozen=True)
class Spec:
    """One `cloud.call` or `cloud.map`: everything but the arguments' bytes. All jobs of a map share it."""

    kind: Literal["call", "map"]
    function: str
    """SHA-256 of the pickled function, hexadecimal."""
    function_name: str
    """For display: 'module.function at file:line'."""
    environment: Environment
    label: str | None = None
    priority: int = 5
    """Lower runs earlier."""
    cores: int = 1
    core_type: str = "c1"
    max_runtime_seconds: float | None = None
    restartable: bool = True
    kill_process: bool = False
    profile: bool = False
    depends_on: Ranges = ()
    depends_on_errors: Literal["abort", "ignore"] = "abort"
    os_env_vars: dict[str, str] = field(default_factory=dict)
    fast_serialization: int = 0
    parent_jid: int | None = None
    """The job that submitted this one, if a job did."""
    shown_arguments: tuple[str, ...] = ()
    """Bounded reprs of the first jobs' arguments (at most 100), made by the client for people to read."""
    client: dict[str, str] = field(default_factory=dict)
    """Who submitted: host, process id, versions; for people to read."""
    max_transmit_data: int = 0
    """Largest result that is kept, in bytes; 0: the runner's default, 1 GB."""
    datalog: str = ""
    """Where serialization logs of this submission begin: a path on the worker's machine, without the last endings."""
    again: Ranges = ()
    """The finished jobs that these run once more, in order; empty also when they are in more than 100 ranges."""

    @property
    def called(self) -> str:
        """What people call the function: 'module.function', without where it is."""
        return self.function_name.partition(" at ")[0]

    def showing(self, arguments: tuple[str, ...]) -> "Spec":
        """The same with other `shown_arguments`: calls of one function rarely differ in anything else."""
        other = object.__new__(Spec)
        other.__dict__.update(self.__dict__, shown_arguments=arguments, _original=self.original)
        return other

    @property
    def original(self) -> "Spec":
        """The spec that this one was made of by `showing`, else this one: the same object for all that are alike."""
        original: Spec = self.__dict__.get("_original", self)
        return original


@dataclass(frozen=True, slots=True)
class Submission:
    """A `Spec` the store has taken. Immutable once sealed."""

    sid: int
    account: int
    token: str
    """Made by the client, unique: repeating a submission with it returns the same jids."""
    spec: Spec
    created_at: datetime
    count: int = 0
    """Number of jobs; 0 until sealed."""
    first_jid: int | None = None
    """Jids are first_jid .. first_jid + count - 1; None until sealed."""

    @property
    def sealed(self) -> bool:
        """Whether all argument chunks are here and jids are allotted; unsealed submissions never run."""
        return self.first_jid is not None

    @property
    def jids(self) -> range:
        """The jids of all its jobs; empty until sealed."""
        first = self.first_jid or 0
        return range(first, first + self.count)

    def sealed_as(self, first_jid: int, count: int) -> "Submission":
        """The same submission with its jids allotted."""
        return Submission(self.sid, self.account, self.token, self.spec, self.created_at, count, first_jid)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Jobs lo..hi-1 of one submission: how the core names jobs."""

    sid: int
    lo: int
    hi: int

    def __len__(self) -> int:
        return self.hi - self.lo
