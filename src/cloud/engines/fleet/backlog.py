"""Work that an agent was given and for which no worker was free yet, or whose blobs are still on their way to it."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass, replace

from cloud.agent.agent import Agent
from cloud.agent.batch import Batch
from cloud.agent.harvest import ended_unstarted
from cloud.dispatch.ports import Event, Returned, Seat, Wanted, Work
from cloud.engines.fleet.errands import Errands
from cloud.engines.fleet.messages import Sent
from cloud.model import Status

WAIT_SECONDS = 75e-3
"""Jobs that no worker took for so long go back to the server: they were given in the belief that all are brief, and
meanwhile others' may have a right to come first."""


@dataclass(slots=True)
class Waiting:
    """Jobs lo..hi-1 of a claim."""

    work: Work
    lo: int
    hi: int
    lent_by: int | None
    until: float
    """Monotonic time at which it goes back."""
    missing: Collection[str]
    """Names of blobs that were not here when it came."""

    def cut(self, lo: int, hi: int, seat: Seat) -> Work:
        """Some of them, for this seat."""
        chunks = [c for c in self.work.chunks if c.first < hi and c.first + c.count > lo]
        return replace(self.work, claim=replace(self.work.claim, lo=lo, hi=hi), seat=seat, chunks=chunks)

    def ended(self, lo: int, hi: int, status: Status, why: str) -> Event:
        """Some of them, without having run."""
        claim = self.work.claim
        return ended_unstarted(Batch(self.work, 0, claim.hi - claim.lo, claim.lo), lo, hi, status, why)


class Backlog:
    """Args:
    errands: fetch blobs.
    """

    def __init__(self, agent: Agent, errands: Errands) -> None:
        self._agent, self._errands = agent, errands
        self._queue: list[Waiting] = []

    def add(self, sent: Sent) -> None:
        """A claim that has come."""
        claim = sent.work.claim
        missing = self._errands.begin(sent.work)
        until = math.inf if missing else time.monotonic() + WAIT_SECONDS
        self._queue.append(Waiting(sent.work, claim.lo, claim.hi, sent.lent_by, until, missing))

    def deadlines(self) -> list[float]:
        """When something goes back."""
        return [item.until for item in self._queue]

    def holds(self, sid: int, index: int) -> Waiting | None:
        """The work of which this job is a part."""
        return next((w for w in self._queue if w.work.claim.sid == sid and w.lo <= index < w.hi), None)

    def kill(self, cid: int, lo: int, hi: int, reason: str) -> list[Event]:
        """Of these jobs those that are here end."""
        events: list[Event] = []
        for item in list(self._queue):
            if item.work.claim.cid == cid and item.lo < hi and item.hi > lo:
                self._queue.remove(item)
                a, b = max(lo, item.lo), min(hi, item.hi)
                events.append(item.ended(a, b, Status.KILLED, reason))
                for part in (range(item.lo, a), range(b, item.hi)):
                    if part:
                        self._queue.append(replace(item, lo=part.start, hi=part.stop))
        return events

    def hand_out(self) -> list[Event]:
        """To workers, fairly between accounts; what goes back, or cannot run."""
        agent = self._agent
        events: list[Event] = []
        works: list[Work] = []
        now, used = time.monotonic(), agent.used_by()
        most = sum(used.values()) + 1
        for item in sorted(self._queue, key=lambda item: used.get(item.work.submission.account, 0)):
            if item.missing and not self._complete(item, now, events):
                continue
            mine = used.get(item.work.submission.account, 0)
            if item.lent_by is None and (mine > most or not agent.has_room()):
                self._give_up(item, now, events)
                continue
            before, wanted = item.lo, Wanted(item.work.submission, item.lo, item.hi)
            for seat in agent.offer(wanted, lent_by=item.lent_by):
                stop = min(item.lo + seat.jobs, item.hi)
                works.append(item.cut(item.lo, stop, seat))
                item.lo = stop
            if item.lo == item.hi:
                self._queue.remove(item)
            elif item.lent_by is not None:  # the job that lent its slot does not wait any more
                self._queue.remove(item)
                events.append(Returned(item.work.claim.cid, item.lo, item.hi))
            else:
                if item.lo == before and agent.crowded(wanted):
                    most = min(most, mine)  # who has more than an account that waits is not given more, as in claiming
                self._give_up(item, now, events)
        if works:
            agent.start(works)
        return events

    def _complete(self, item: Waiting, now: float, events: list[Event]) -> bool:
        """Whether its blobs are here."""
        if not self._errands.arrived(item.missing):
            return False
        if self._errands.homeless(item.missing):
            self._queue.remove(item)
            events.append(Returned(item.work.claim.cid, item.lo, item.hi))
            return False
        if why := self._errands.fault(item.missing):
            self._queue.remove(item)
            why = f"The function or the arguments could not be read from the blob store: {why}"
            events.append(item.ended(item.lo, item.hi, Status.ERROR, why))
            return False
        item.missing, item.until = (), now + WAIT_SECONDS
        return True

    def _give_up(self, item: Waiting, now: float, events: list[Event]) -> None:
        if item.lent_by is None and now >= item.until:
            self._queue.remove(item)
            events.append(Returned(item.work.claim.cid, item.lo, item.hi))
