"""One agent as the server knows it: what it has, how busy that makes it, and when it was heard last."""

from dataclasses import dataclass, field

from cloud.agent.estimates import Estimates
from cloud.dispatch.ports import AgentState, Blocked, Claim, Event, Finished, Lost, Returned, Wanted, Work
from cloud.engines.fleet.lines import Line
from cloud.engines.fleet.messages import Packer
from cloud.model import Environment, Ranges, Submission
from cloud.model.ranges import count, subtract
from cloud.wire.message import Header
from cloud.wire.values import ranges_from_json

QUEUE_SECONDS = 50e-3
"""Work that a slot of an agent elsewhere has ahead: it covers the way there and back."""
QUEUE_MAX_JOBS = 10_000
WORKER_BITS = 32
"""Of what names a worker to the dispatcher; its agent's number is above."""


@dataclass(slots=True)
class Given:
    """A claim that this agent has, or part of it."""

    sid: int
    left: Ranges
    jobs: int
    cores: int
    function: str
    brief: bool
    """Whether more may be given on top: it is restartable, and how long it takes is known."""
    lent: bool
    account: int


@dataclass(slots=True)
class Member:
    """An agent of the fleet."""

    number: int
    line: Line
    slots: int
    heard_at: float
    """Monotonic."""
    kind: str
    """The name of its type."""
    about: Header
    """What it said of itself when it joined."""
    packer: Packer = field(default_factory=Packer)
    given: dict[int, Given] = field(default_factory=dict)
    state: Header = field(default_factory=dict)
    delivered: int = 0
    """Groups of events below this were handed to the dispatcher."""
    silent: bool = False
    """It was not heard for so long that its jobs were given to others."""
    deaf: bool = False
    """It did not answer a question since it was heard last, and is not asked another."""
    promised_slots: int = 0
    promised_by: dict[int, int] = field(default_factory=dict)
    """The same, by account."""
    promised_seconds: float = 0.0
    workless_since: float = 0.0
    disk: tuple[int, int] = (0, 0)
    """Free bytes of its disk, and all, as it said last."""
    late: bool = False
    """It gave jobs back: what runs there takes longer than expected. Until something ends it gets none ahead."""

    @property
    def name(self) -> str:
        """Of the agent."""
        return self.line.name

    def look(self, now: float) -> AgentState:
        """For people."""
        about, busy = self.about, 0 if self.silent else int(self.state.get("busy", 0))
        return AgentState(
            self.name, str(about.get("host", "")), self.kind, self.slots, min(self.used(), self.slots), busy,
            max(0.0, now - self.heard_at), self.silent, str(about.get("log", "")), *self.disk,
            full=bool(self.state.get("full")),
        )  # fmt: skip

    @property
    def wanting(self) -> bool:
        """Whether it takes jobs at all: it is heard, and its machine's disk is not full."""
        return not self.silent and not self.state.get("full")

    def opens(self, environment: Environment) -> bool:
        """Whether a worker here can open what that interpreter pickled: it is its own, or one of its machine."""
        if environment.cache_tag in self.state.get("tags", ()):
            return True
        return bool(environment.machine and environment.executable) and environment.machine == self.state["machine"]

    def cores(self, wanted: Wanted) -> int:
        """Slots each of these jobs takes here."""
        return min(max(1, wanted.submission.spec.cores), self.slots)

    def used(self) -> int:
        """Slots that are taken, as far as we know; lent ones do not count twice."""
        return sum(min(g.jobs * g.cores, self.slots) for g in self.given.values() if not g.lent)

    def used_by(self) -> dict[int, int]:
        """The same by account, with what was promised."""
        found = dict(self.promised_by)
        for g in self.given.values():
            if not g.lent:
                found[g.account] = found.get(g.account, 0) + g.jobs * g.cores
        return {account: min(slots, self.slots) for account, slots in found.items()}

    def free(self) -> int:
        """Slots that nobody has and nobody was promised."""
        return max(0, self.slots - self.used() - self.promised_slots)

    def queued_seconds(self, estimates: Estimates) -> float:
        """Work that it has, spread over its slots; jobs nobody measured count as much as a queue."""
        total = self.promised_seconds
        for g in self.given.values():
            total += g.jobs * g.cores * (estimates.of(g.function) or QUEUE_SECONDS)
        return total / self.slots

    def share(self, wanted: Wanted, remaining: int, estimates: Estimates) -> int:
        """How many of these jobs it takes at once, as one claim; 0: none now."""
        spec, cores = wanted.submission.spec, self.cores(wanted)
        seconds = estimates.of(spec.function)
        free = self.free()
        if free < cores == 1 and self._comes_next(wanted.submission.account):
            return 1
        if free < cores and self.late:
            return 0
        if seconds is None or not spec.restartable or spec.kill_process:
            return 1 if free >= cores else 0
        if free < cores and not all(g.brief for g in self.given.values()):
            return 0
        room = QUEUE_SECONDS - self.queued_seconds(estimates)
        if free < cores and room < QUEUE_SECONDS / 2:
            return 0
        jobs = int(room * self.slots / (seconds * cores))
        return max(0, min(max(jobs, free // cores), QUEUE_MAX_JOBS, remaining))

    def _comes_next(self, account: int) -> bool:
        """Whether an account has nothing here and others have brief jobs only: one of its jobs may come already, and
        has the first slot that is free. It spares the way there and back, and all that is queued."""
        return bool(self.given) and all(g.brief for g in self.given.values()) and not self.used_by().get(account)

    def promise(self, wanted: Wanted, jobs: int, estimates: Estimates) -> None:
        """Hold that many seats until the next start or poll."""
        cores, account = self.cores(wanted), wanted.submission.account
        slots = min(jobs * cores, self.slots)
        self.promised_slots += slots
        self.promised_by[account] = self.promised_by.get(account, 0) + slots
        self.promised_seconds += jobs * cores * (estimates.of(wanted.submission.spec.function) or QUEUE_SECONDS)

    def forget_promises(self) -> None:
        """Seats that were not taken are free again."""
        self.promised_slots, self.promised_seconds = 0, 0.0
        self.promised_by.clear()

    def take(self, work: Work, *, lent: bool, measured: bool) -> None:
        """It gets this claim."""
        claim, spec = work.claim, work.submission.spec
        jobs = (range(claim.lo, claim.hi),)
        brief = measured and spec.restartable and not spec.kill_process
        cores = min(max(1, spec.cores), self.slots)
        self.given[claim.cid] = Given(
            claim.sid, jobs, claim.hi - claim.lo, cores, spec.function, brief, lent, work.submission.account
        )

    def keep(self, claim: Claim, jobs: Ranges, submission: Submission) -> None:
        """It has these jobs of a claim that another server gave it."""
        spec, lent = submission.spec, claim.cid in self.about.get("lent", ())
        self.given[claim.cid] = Given(
            claim.sid, jobs, count(jobs), min(max(1, spec.cores), self.slots), spec.function, False, lent,
            submission.account,
        )  # fmt: skip

    def left(self, event: Event) -> None:
        """These jobs are not its any more."""
        given = self.given.get(event.cid)
        if given is None:
            return
        self.late = isinstance(event, Returned) and not given.lent
        lo, hi = (event.outcomes.lo, event.outcomes.hi) if isinstance(event, Finished) else (event.lo, event.hi)
        given.left = subtract(given.left, (range(lo, hi),))
        given.jobs = count(given.left)
        if not given.jobs:
            del self.given[event.cid]

    def lose_all(self, reason: str) -> list[Event]:
        """Everything it has is lost."""
        lost: list[Event] = [
            Lost(cid, part.start, part.stop, reason) for cid, g in self.given.items() for part in g.left
        ]
        self.given.clear()
        return lost

    def blocked(self) -> list[Blocked]:
        """Jobs of its workers that wait for others, whose slot is not lent out."""
        found = []
        for worker, jids in self.state.get("blocked", ()):
            found.append(Blocked(self.number << WORKER_BITS | worker, ranges_from_json(jids)))
        return found
