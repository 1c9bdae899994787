"""The Engine port: where attempts run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloud.dispatch.ports.places import Claim
from cloud.model import Buffer, Chunk, Code, Outcomes, Piece, Ranges, Spec, Submission


@dataclass(frozen=True, slots=True)
class Wanted:
    """Ready jobs offered to an engine."""

    submission: Submission
    lo: int
    hi: int
    seats: int | None = None
    """No more seats than this are of use now; all others stay free for whoever is offered next."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A worker that takes up to `jobs` of what was offered, now."""

    worker: int
    jobs: int
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A claim on its way to its worker, with all that running it needs."""

    claim: Claim
    seat: Seat
    submission: Submission
    function: Piece
    chunks: Sequence[Chunk]
    token: str = ""
    """What the job shows to its own server (D12)."""
    code: Code | None = None
    """What a worker must have before it runs this; the version is part of the environment's key."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A job that waits for other jobs while its worker's slot is lent out."""

    worker: int
    jids: tuple[range, ...]
    """What it waits for."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Attempts ended; `outcomes` lies within claim `cid`."""

    cid: int
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Returned:
    """Jobs lo..hi-1 of a claim that certainly did not start, for whatever reason."""

    cid: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Jobs lo..hi-1 of a claim that may have started and whose worker is gone from outside (D8)."""

    cid: int
    lo: int
    hi: int
    reason: str
    """For people: 'the worker was killed by signal 9, which picloud did not send: most likely out of memory'."""


Event = Finished | Returned | Lost


@dataclass(frozen=True, slots=True)
class Live:
    """A job that runs now."""

    started_at: float
    """Seconds since the epoch."""
    stdout: bytes
    stderr: bytes
    """What it wrote so far, bounded like the stored output."""
    pid: int = 0
    waits_for: tuple[range, ...] = ()
    """Jids of jobs that it waits for at the moment."""


@dataclass(frozen=True, slots=True)
class Said:
    """Part of what a job that runs wrote to one of its streams."""

    start: int
    """Position of the first of these bytes, counted from the first that this attempt wrote."""
    data: bytes
    attempt: int


@dataclass(slots=True)
class Stack:
    """What a job that runs is doing; an engine fills it in later, and `heard` then names the job."""

    text: str = ""
    """The stacks of all threads, each with the innermost call last."""
    fault: str = ""
    """Why there is none: the end of a sentence that begins with 'its stack cannot be seen: '."""

    @property
    def answered(self) -> bool:
        """Whether it is filled in."""
        return bool(self.text or self.fault)


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker process, for people."""

    pid: int
    """0 while it is being made."""
    executable: str
    """Its interpreter."""
    account: int | None
    """Whose jobs it runs; None: nobody's yet."""
    jid: int | None = None
    """What it runs now."""
    function: str = ""
    """That job's function, for display."""
    since: float = 0.0
    """When that job started, seconds since the epoch."""
    waits: bool = False
    """Whether that job waits for other jobs."""
    agent: str = ""
    """Which agent has it; '' on the server's machine."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """An agent elsewhere, for people."""

    name: str
    host: str
    """Its machine."""
    kind: str
    """The name of its type."""
    slots: int
    used: int
    """Of its slots those that have jobs, as far as the server knows; one with `_cores` has several."""
    busy: int
    """Workers that run jobs, as it said last."""
    silent_seconds: float
    """Since it was heard last."""
    silent: bool
    """It was not heard for so long that its jobs were given to others."""
    log: str
    """How to see its log; '' where nobody knows."""
    free_bytes: int = 0
    whole_bytes: int = 0
    """Of its disk, where it keeps its copies of large values, as it said when its workers were asked for; 0: it was not
    asked, or keeps none."""
    full: bool = False
    """There was no room on that disk a moment ago: it is given no jobs."""


@dataclass(slots=True)
class EngineState:
    """For people and `describe`."""

    slots: int
    workers: int
    busy: int
    blocked: int
    interpreters: list[str] = field(default_factory=list)
    """Cache tags of which a worker exists or can be started."""
    agents: list[AgentState] = field(default_factory=list)
    """[] for an engine whose workers are on the server's machine."""
    trouble: str = ""
    """Why jobs that run may not be heard of and no others start, at present: 'the head of the cluster does not
    answer'."""


class Engine(Protocol):
    """Runs attempts. Nothing here blocks or opens user bytes; all calls come from one thread at a time.

    Every job of every started `Work` is reported exactly once: in `Finished`, `Returned` or `Lost`. Outcomes of a claim
    come in ascending order of index, in as few events as there are; `poll` hands over whatever has happened.
    """

    survives: bool
    """Whether jobs go on when this is abandoned, for the next server to `adopt` them."""

    spreads: bool
    """Whether the jobs of one seat may run beside each other, not only one after another."""

    types: Collection[str]
    """Names that `core_type` may have."""

    def refuse(self, spec: Spec) -> str | None:
        """Why jobs of this spec could never run here, saying what to do; None when they can."""
        ...

    def add_interpreter(self, tag: str, executable: str) -> None:
        """From now on, another interpreter of this machine runs what is pickled under its cache tag."""
        ...

    def offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """Which workers would take how many of these jobs right now, in order; [] when there is no room.

        Short queues (D6): an idle worker takes at least one; a busy one takes only as much as keeps about 10 ms of
        measured work in its queue. Jobs that are not restartable get idle workers only, one each. `lent_by` names
        a blocked worker whose slot this is. An offer holds its seats until the next `poll`, so several offers in a
        row never promise the same room twice; `start` uses them up, and what was not started by then is free again.
        """
        ...

    def pool(self, spec: Spec) -> str:
        """Jobs with different ones never take each other's seats."""
        ...

    def used_by(self) -> dict[int, int]:
        """How many slots the jobs of each account take now, with those that offers hold; 0s may be absent."""
        ...

    def crowded(self, wanted: Wanted) -> bool:
        """Of jobs that were offered and found no seat: whether they would find one if others took no more."""
        ...

    def has_room(self) -> bool:
        """Whether any worker could take any job at all; False lets the dispatcher stop offering."""
        ...

    def expected_seconds(self, function: str) -> float | None:
        """How long a job of this function (its digest) takes, as measured; None: nothing is known."""
        ...

    def wait(self, seconds: float) -> None:
        """Until `fileno` is readable, or `poll` has something to report; so long at most."""
        ...

    def start(self, work: Sequence[Work]) -> None:
        """Send claims to their seats. A worker that died meanwhile shows up as `Returned`."""
        ...

    def poll(self) -> list[Event]:
        """What happened since the last call. Never waits."""
        ...

    def stored(self) -> None:
        """Everything that `poll` handed over is stored, or was refused for good."""
        ...

    def adopt(self, claims: Sequence[Claim], submissions: Mapping[int, Submission]) -> dict[int, Ranges]:
        """Claims of a dispatcher that is gone, of these submissions (by sid): of each whose agent is here, the jobs
        that it still has or whose end is not stored yet; `poll` will report them. Other jobs of these claims never
        started. Claims that are not named are lost. {} for an engine whose workers die with it."""
        ...

    def taken_over(self) -> Collection[str]:
        """Agents that served an earlier server and are ours now: whoever gave them claims is gone, or is not heard by
        them any more."""
        ...

    def fileno(self) -> int:
        """Becomes readable when `poll` should be called."""
        ...

    def next_deadline(self) -> float | None:
        """`time.monotonic()` at which `poll` should be called even if nothing becomes readable; None: no need."""
        ...

    def kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """End these jobs of a claim: reported as `Finished` with status KILLED and `reason` as error (or their real
        outcome, if they were quicker). Those that had not started are KILLED at the next `poll`."""
        ...

    def blocked(self) -> list[Blocked]:
        """Jobs that wait for jobs and whose slot is not lent out at the moment."""
        ...

    def live(self, sid: int, index: int) -> Live | None:
        """A job that runs now, else None."""
        ...

    def said(self, sid: int, index: int, stream: str, start: int, max_bytes: int) -> Said | None:
        """What a job that runs now wrote to 'stdout', 'stderr' or 'logging', from position `start` on, or from later
        if that was dropped; the stored output continues it without a gap. None when it does not run."""
        ...

    def follow(self, sid: int, index: int) -> None:
        """If this job, which need not run yet, says something within the next minute, `heard` will name it, once."""
        ...

    def heard(self) -> Collection[tuple[int, int]]:
        """Jobs that were followed and have said something since; to be called after `poll`."""
        ...

    def stack(self, sid: int, index: int) -> Stack | None:
        """Begin to find out what a job that runs now is doing, without disturbing it. None when it does not run."""
        ...

    def delay(self, sid: int, index: int) -> str | None:
        """Why a job that was started does not run yet: the end of a sentence that begins with 'a worker has it, but '.
        None when it runs, or nothing is known."""
        ...

    def state(self) -> EngineState: ...

    def workers(self, most: int) -> list[WorkerState]:
        """What each worker process does, `most` of them at most; [] where there are none."""
        ...

    def abandon(self) -> None:
        """Report nothing more; kill all workers, unless it `survives`."""
        ...


class Served(Protocol):
    """Answers requests that jobs send through their worker's pipe (`client.pipe`); for engines that have pipes."""

    def __call__(self, request: bytes, account: int, parent_jid: int, reply: "Reply") -> None:
        """`request` is a `wire` message; call `reply` with the answer's parts, now or later, in its thread."""
        ...


class Reply(Protocol):
    """Carries an answer back to the worker that asked."""

    def __call__(self, parts: Sequence[Buffer]) -> None: ...
