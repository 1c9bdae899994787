"""Seats at agents elsewhere: which of them take how many of the jobs that are offered."""

from collections.abc import Mapping

from cloud.agent.estimates import Estimates
from cloud.dispatch.ports import Seat, Wanted
from cloud.engines.fleet.kinds import Kinds
from cloud.engines.fleet.member import QUEUE_SECONDS, WORKER_BITS, Member
from cloud.engines.fleet.patience import Patience


class Seating:
    """Args:
    members: the agents, by name, as they come and go.
    """

    def __init__(self, members: Mapping[str, Member], kinds: Kinds, estimates: Estimates, patience: Patience) -> None:
        self._members, self._kinds, self._estimates = members, kinds, estimates
        self._patience = patience

    def fit(self, wanted: Wanted) -> list[Member]:
        """Agents that want jobs, are of the type of these jobs and open what their interpreter pickled."""
        spec = wanted.submission.spec
        kind = self._kinds.of(spec)
        return [m for m in self._wanting() if m.kind == kind and m.opens(spec.environment)]

    def _wanting(self) -> list[Member]:
        since = self._patience.heard_since()
        return [m for m in self._members.values() if m.wanting and m.heard_at >= since]

    def offer(self, wanted: Wanted) -> tuple[list[Seat], int]:
        """Agents with most room first; short jobs by the claim of many, others one to a slot. And how many found no
        seat that were to have one."""
        remaining = wanted.hi - wanted.lo
        most = remaining if wanted.seats is None else wanted.seats
        seats: list[Seat] = []
        members = self.fit(wanted)
        while remaining > 0 and len(seats) < most and members:
            member = min(members, key=lambda m: ((m.used() + m.promised_slots) / m.slots, m.number))
            fair = max(1, -(-remaining // max(1, 2 * len(members))))
            jobs = min(member.share(wanted, remaining, self._estimates), fair)
            if not jobs:
                members.remove(member)
                continue
            member.promise(wanted, jobs, self._estimates)
            seats.append(Seat(member.number << WORKER_BITS, jobs, member.name))
            remaining -= jobs
        return seats, remaining if len(seats) < most else 0

    def offer_lent(self, lent_by: int) -> list[Seat]:
        """Beside a worker whose job waits."""
        for member in self._members.values():
            if member.number == lent_by >> WORKER_BITS and not member.silent:
                if any(blocked.worker == lent_by for blocked in member.blocked()):
                    return [Seat(lent_by, 1, member.name)]
        return []

    def used_by(self) -> dict[int, int]:
        """Slots by account, over the agents that are heard."""
        found: dict[int, int] = {}
        for member in self._members.values():
            for account, slots in member.used_by().items() if not member.silent else ():
                found[account] = found.get(account, 0) + slots
        return found

    def has_room(self) -> bool:
        """A free slot, or an agent whose queue is short."""
        return any(
            m.free() > 0 or (not m.late and m.queued_seconds(self._estimates) < QUEUE_SECONDS / 2)
            for m in self._wanting()
        )
