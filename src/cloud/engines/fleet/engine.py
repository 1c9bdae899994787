"""The fleet engine: agents on other machines, reached through whatever joins those (DESIGN D16).

What an agent reports is trusted for the claims that it was given. Liveness is ours: an agent that is silent for
`SILENT_SECONDS` has its jobs given to others; when it is heard again it is told to drop them, and what it says of them
meanwhile is refused by the store, since the claim is gone.
"""

import logging
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from cloud import __version__
from cloud.agent.estimates import OVERHEAD_SECONDS, Estimates
from cloud.dispatch.ports import (
    Blocked,
    Claim,
    EngineState,
    Event,
    Finished,
    Returned,
    Seat,
    Wanted,
    Work,
)
from cloud.engines.fleet.growth import Growth
from cloud.engines.fleet.kinds import USUAL, AgentType, Kinds
from cloud.engines.fleet.lines import TAKEN, Line, Lines
from cloud.engines.fleet.looks import Looks
from cloud.engines.fleet.member import QUEUE_SECONDS, WORKER_BITS, Member
from cloud.engines.fleet.messages import FLEET_PROTOCOL, events_from_bytes
from cloud.engines.fleet.patience import Patience
from cloud.engines.fleet.seating import Seating
from cloud.model import Ranges, Spec, Submission
from cloud.wire.message import Header, decode
from cloud.wire.values import ranges_from_json

log = logging.getLogger("Cloud.fleet")

SILENT_SECONDS = 5.0
IDLE_SECONDS = 60.0
"""An agent beyond the least number goes when it had no work for so long."""
FORGET_SECONDS = 600.0
"""An agent that is silent for so long is given up, even if the cluster does not say that it is dead."""
_WORKER = (1 << WORKER_BITS) - 1


class FleetEngine(Looks):
    """See `dispatch.ports.Engine`.

    Args:
        lines: how agents are started and reached.
        slots: of each agent.
        least, most: how many agents there are: the least always, more as jobs wait for a seat.
        silent_seconds: see the module.
        types: what `_type` may be, and what agents of each have; `slots`, `least` and `most` are for those that do not
            say. None: `_type` is not looked at.
    """

    survives = True
    spreads = True

    def __init__(
        self, lines: Lines, *, slots: int, least: int = 1, most: int = 1, silent_seconds: float = SILENT_SECONDS,
        idle_seconds: float = IDLE_SECONDS, types: Mapping[str, AgentType] | None = None,
    ) -> None:  # fmt: skip
        self._lines = lines
        self._kinds = Kinds(types, slots=slots, least=least, most=most)
        self.types: Collection[str] = self._kinds.known()
        self._growth = Growth(lines, self._kinds)
        self._patience, self._idle_seconds = Patience(lines, silent_seconds), idle_seconds
        self._estimates = Estimates()
        super().__init__()
        self._seating = Seating(self._members, self._kinds, self._estimates, self._patience)
        self._numbers = 0
        self._unsure: set[str] = set()
        """Agents of earlier servers: what of their jobs is not adopted is dropped."""
        self._events: list[Event] = []
        self._vouched: dict[str, dict[int, Ranges]] = {}
        self._interpreters: dict[str, str] = {}
        self._news: queue.SimpleQueue[tuple[str, Line, bytes | str]] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = threading.Lock()
        found = lines.open(
            lambda line, answer: self._post("joined", line, answer),
            lambda line, answer: self._post("heard", line, answer),
            lambda line, why: self._post("gone", line, why),
        )
        for line, answer in found.here:
            self._join(line, answer)
        for late in found.late:
            self._growth.expect(late, time.monotonic())
        self._grow()

    def _post(self, what: str, line: Line, content: bytes | str) -> None:
        with self._closing:
            if self._wake >= 0:
                self._news.put((what, line, content))
                os.eventfd_write(self._wake, 1)

    # --- offers and starts

    def refuse(self, spec: Spec) -> str | None:
        """For want of a type that there was once, or of an interpreter, once the agents are known."""
        if spec.core_type not in self.types:
            return f"there is no type {spec.core_type!r} any more"
        tag = spec.environment.cache_tag
        members = self._members.values()
        if tag in self._interpreters or any(member.opens(spec.environment) for member in members):
            return None
        tags = {tag for member in members for tag in member.state.get("tags", ())}
        tags = tags or {sys.implementation.cache_tag or ""}
        if not members and tag in tags:  # none has come yet
            return None
        return (
            f"no agent runs {tag}; there are: {', '.join(sorted(tags))}. Submit it with one of these, or have the "
            f"cluster's machines run {tag} as well"
        )

    def add_interpreter(self, tag: str, executable: str) -> None:
        """On every agent, at the same path."""
        self._interpreters[tag] = executable
        for member in self._members.values():
            self._tell(member, {"op": "interpreter", "tag": tag, "executable": executable})

    def offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """What finds no seat is a reason for more agents."""
        if lent_by is not None:
            return self._seating.offer_lent(lent_by)
        seats, left = self._seating.offer(wanted)
        if left:
            submission, spec = wanted.submission, wanted.submission.spec
            seconds = self._estimates.of(spec.function)
            self._growth.want(self._kinds.of(spec), submission.sid, left, max(1, spec.cores), seconds)
            self._grow()
        return seats

    def pool(self, spec: Spec) -> str:
        """The agents of a type."""
        return self._kinds.of(spec)

    def used_by(self) -> dict[int, int]:
        """Added up over the agents that are heard."""
        return self._seating.used_by()

    def crowded(self, wanted: Wanted) -> bool:
        """There is an agent of their type that opens them."""
        return bool(self._seating.fit(wanted))

    def has_room(self) -> bool:
        """A free slot, or an agent whose queue is short; or, where there are types, perhaps for those of another."""
        return len(self._kinds.names()) > 1 or self._seating.has_room()

    def expected_seconds(self, function: str) -> float | None:
        """Unknown: the way there and back is longer than any job that is worth waiting for."""
        del function
        return None

    def start(self, work: Sequence[Work]) -> None:
        """One message to each agent."""
        mine: dict[str, list[tuple[Work, int | None]]] = {}
        for item in work:
            member = self._members.get(item.seat.agent)
            claim = item.claim
            if member is None or member.silent:
                self._note(Returned(claim.cid, claim.lo, claim.hi))
                continue
            lent_by = item.seat.worker & _WORKER or None
            measured = self._estimates.of(item.submission.spec.function) is not None
            member.take(item, lent=lent_by is not None, measured=measured)
            mine.setdefault(member.name, []).append((item, lent_by))
        for name, works in mine.items():
            member = self._members[name]
            member.line.tell(member.packer.start(works))
        for member in self._members.values():
            member.forget_promises()

    # --- what happened

    def fileno(self) -> int:
        """Of the wake-up."""
        return self._wake

    def poll(self) -> list[Event]:
        """Take what the lines have heard."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass
        for member in self._members.values():
            member.forget_promises()
        while True:
            try:
                what, line, content = self._news.get_nowait()
            except queue.Empty:
                break
            if what == "joined" and isinstance(content, bytes):
                self._join(line, content)
            elif what == "heard" and isinstance(content, bytes):
                self._hear(line, content)
            elif what == "gone":
                self._lose(line.name, str(content))
        self._drop_strays()
        self._look_after(time.monotonic())
        self._growth.forget_wants()
        self._grow()
        events, self._events = self._events, []
        return events

    def stored(self) -> None:
        """Agents may forget what was reported."""
        for member in self._members.values():
            member.line.acknowledge(member.delivered)

    def next_deadline(self) -> float | None:
        """When an agent would count as silent, or may be tried again."""
        times = self._patience.deadlines([m.heard_at for m in self._members.values() if not m.silent])
        if self._patience.is_steady and (retry_at := self._growth.next_deadline()) is not None:
            times.append(retry_at)
        return min(times, default=None)

    # --- kills and looks

    def kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """Passed on; a silent agent's jobs were lost already."""
        for member in self._members.values():
            if cid in member.given:
                self._tell(member, {"op": "kill", "kill": [cid, lo, hi, force, reason]})

    def blocked(self) -> list[Blocked]:
        """As the agents said last."""
        return [blocked for member in self._members.values() if not member.silent for blocked in member.blocked()]

    def state(self) -> EngineState:
        """Added up over the agents that are heard."""
        alive = [m.state for m in self._members.values() if not m.silent]
        tags = sorted({tag for state in alive for tag in state.get("tags", ())})
        slots, workers, busy, waiting = (
            sum(s.get(name, 0) for s in alive) for name in ("slots", "workers", "busy", "waiting")
        )
        agents = [member.look(time.monotonic()) for member in self._members.values()]
        return EngineState(slots, workers, busy, waiting, tags, agents, self._lines.trouble)

    def adopt(self, claims: Sequence[Claim], submissions: Mapping[int, Submission]) -> dict[int, Ranges]:
        """Claims of a dispatcher that is gone: what agents that are here still have of each. A claim of an agent that
        is not here is left out; jobs of the others that are not named certainly never started."""
        found: dict[int, Ranges] = {}
        strangers = {claim.agent for claim in claims} - self._members.keys() - self._growth.late.keys()
        for line, answer in self._lines.take(strangers).here if strangers else ():
            self._join(line, answer)
        for claim in claims:
            member = self._members.get(claim.agent)
            if member is None or member.silent:
                continue
            given = member.given.get(claim.cid)  # if this was tried before, and could not be stored
            left = self._vouched.get(claim.agent, {}).get(claim.cid, ()) if given is None else given.left
            found[claim.cid] = left
            if left:
                member.keep(claim, left, submissions[claim.sid])
        return found

    def silences(self) -> dict[str, float]:
        """How many seconds ago each agent was heard."""
        return {member.name: time.monotonic() - member.heard_at for member in self._members.values()}

    def taken_over(self) -> Collection[str]:
        """Those that `open` found, until the first `poll`."""
        return frozenset(self._unsure)

    def abandon(self) -> None:
        """Let go of the cluster. Agents keep what runs, for the next server or until their silence is over."""
        if self._wake < 0:
            return
        self._lines.close()
        with self._closing:
            os.close(self._wake)
            self._wake = -1

    # --- inside

    def _join(self, line: Line, answer: bytes) -> None:
        now = time.monotonic()
        header: Header = (
            decode(answer)[0] if answer else {"protocol": FLEET_PROTOCOL, "fault": "it did not come up in time"}
        )
        if header.get("protocol") != FLEET_PROTOCOL:
            header["fault"] = (
                f"its machine, {header.get('host', '?')}, has version {header.get('version', '?')} of picloud, "
                f"and this server has {__version__}, which talks otherwise to agents: install the same on all"
            )
        if "fault" in header:
            log.error("agent %s is not used: %s", line.name, header["fault"])
            self._growth.failed(line.name, header["fault"], now)
            line.end()
            return
        self._numbers += 1
        member = Member(self._numbers, line, max(1, header.get("slots", 1)), now, header.get("type", USUAL), header)
        member.state, member.workless_since = header, now
        self._vouched[line.name] = {int(cid): ranges_from_json(r) for cid, r in header.get("held", {}).items()}
        self._members[line.name] = member
        if not self._growth.joined(line.name):
            self._unsure.add(line.name)
        for tag, executable in self._interpreters.items():
            self._tell(member, {"op": "interpreter", "tag": tag, "executable": executable})
        log.info("agent %s has joined with %d slots of type %s", line.name, member.slots, member.kind)

    def _drop_strays(self) -> None:
        """Jobs of agents that an earlier server had, and which were given to others meanwhile."""
        while self._unsure:
            name = self._unsure.pop()
            member = self._members.get(name)
            strays = [cid for cid in self._vouched.pop(name, {}) if member is not None and cid not in member.given]
            if member is not None and strays:
                self._tell(member, {"op": "drop", "cids": strays, "reason": "its jobs were given to others"})

    def _hear(self, line: Line, answer: bytes) -> None:
        member = self._members.get(line.name)
        if member is None:
            return
        member.heard_at = time.monotonic()
        member.deaf = False
        if member.silent:
            member.silent = False
            log.warning("agent %s is heard again; what it had was given to others, and it drops that", line.name)
        header, groups = decode(answer)
        state = header["state"]
        self._take_looks(state)
        if state.get("full") and member.wanting:
            log.warning("agent %s gets no jobs for a while: its machine has no room for what they need", line.name)
        member.state = state
        member.delivered = header["first"] + len(groups)
        for group in groups:
            for event in events_from_bytes(group):
                given = member.given.get(event.cid)
                if given is not None and isinstance(event, Returned) and given.brief:
                    self._estimates.learn_at_least(given.function, QUEUE_SECONDS)  # it waited there for so long
                if given is not None or isinstance(event, Finished):
                    self._events.append(event)  # of claims that it lost, too: the store refuses them, and says so
                if given is not None and isinstance(event, Finished):
                    self._learn(given.function, event)
                member.left(event)

    def _learn(self, function: str, event: Finished) -> None:
        runtimes = [] if event.outcomes.is_uniform else [s for s in event.outcomes.runtime if s >= 0]
        if function and runtimes:
            self._estimates.mix(function, OVERHEAD_SECONDS + sum(runtimes) / len(runtimes))

    def _look_after(self, now: float) -> None:
        if (earliest := self._patience.look(now)) is not None:
            for member in self._members.values():
                member.heard_at = max(member.heard_at, earliest)
        silence = self._patience.seconds
        for member in list(self._members.values()):
            if not member.silent and now - member.heard_at > silence:
                log.warning(
                    "agent %s was not heard for %.1f s: its jobs go to others", member.name, now - member.heard_at
                )
                self._tell(member, {"op": "drop", "cids": list(member.given), "reason": "its server lost touch"})
                reason = f"its machine, or the way there, gave no sign of life for {silence:g} s"
                self._events += member.lose_all(reason)
                member.silent = True
            if member.silent and now - member.heard_at > FORGET_SECONDS:
                self._part(member)
            elif member.given:
                member.workless_since = now
            elif now - member.workless_since > self._idle_seconds and not member.silent:
                if self._here()[member.kind] > self._kinds.least(member.kind):
                    self._part(member)

    def _part(self, member: Member) -> None:
        log.info("agent %s is let go", member.name)
        del self._members[member.name]
        member.line.end()

    def _lose(self, name: str, why: str) -> None:
        self._growth.failed(name, why, time.monotonic())
        member = self._members.pop(name, None)
        if member is not None:
            log.warning("agent %s is gone: %s", name, why)
            if why == TAKEN:  # with its jobs: what becomes of them, it says to that server
                return
            self._events += member.lose_all(f"its agent {name} is gone: {why}")

    def _here(self) -> Counter[str]:
        return Counter(member.kind for member in self._members.values() if not member.silent)

    def _grow(self) -> None:
        if self._patience.is_steady:
            self._growth.grow(self._here(), time.monotonic())

    def _note(self, event: Event) -> None:
        self._events.append(event)
        os.eventfd_write(self._wake, 1)
