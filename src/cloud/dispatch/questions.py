"""Questions that may have to wait for their answer: `wait` and `outcomes`, without holding a thread.

A question is looked at when it is asked, after each commit that touches what it is about, and at its deadline.
"""

from typing import Protocol, TypeVar

from cloud.api import Ended, Waited
from cloud.dispatch.naming import Named, Naming, not_found
from cloud.dispatch.pieces import Pieces, are_many, in_groups, outcomes_of
from cloud.dispatch.ports import Store
from cloud.dispatch.waiters import About
from cloud.model import Ranges, Stretch
from cloud.model.ranges import normal, subtract

RESULT_COLUMNS = ("result", "error", "exception")
"""What a client needs to return or raise."""

A_co = TypeVar("A_co", covariant=True)


class Question(Protocol[A_co]):
    """Something to be answered as soon as it can be."""

    @property
    def sids(self) -> frozenset[About]:
        """Submissions it is about, or jobs whose words it is about."""

    deadline: float | None
    """Monotonic time at which to look again whatever happens; may move when looked at. None: no need."""

    def look(self, now: float) -> A_co | None:
        """The answer, if there is one at monotonic time `now`; always one at the deadline that stands then."""
        ...


class WaitQuestion:
    """Are they all finished, or has one failed? See `JobApi.wait`."""

    def __init__(self, store: Store, naming: Naming, jids: Ranges, *, deadline: float | None, stop: bool) -> None:
        self._store = store
        self._open = naming.find(normal(jids))
        self._stop = stop
        self._failed: int | None = None
        groups = in_groups(self._open)
        self._many = [Pieces(store, group) for group in groups] if all(map(are_many, groups)) else []
        self.sids = frozenset(n.stretch.sid for n in self._open)
        self.deadline = deadline

    def look(self, now: float) -> Waited | None:
        """Stretches once seen finished are not looked at again; nor are very many one by one, while there is nothing to
        say of them."""
        due = self.deadline is not None and now >= self.deadline
        if not due and any(pieces.any_open() for pieces in self._many):
            if not (self._stop and any(pieces.any_failed() for pieces in self._many)):
                return None
        glances = self._store.glances([n.stretch for n in self._open])
        still_open = []
        for n, seen in zip(self._open, glances, strict=True):
            if seen.open:
                still_open.append(n)
            elif not seen.whole:
                self._refuse_deleted(n)
            if seen.failed:
                self._look_for_failure(n)
        self._open = still_open
        if self._open and not (self._stop and self._failed is not None) and not due:
            return None
        unfinished, queued = self._unfinished()
        return Waited(unfinished, self._failed, queued)

    def _refuse_deleted(self, n: Named) -> None:
        gone = first_missing(self._store, n.stretch)
        if gone is not None:
            raise not_found(n.jid(gone))

    def _look_for_failure(self, n: Named) -> None:
        if self._failed is not None and n.first_jid >= self._failed:
            return
        index = self._store.first_failure(n.stretch)
        if index is not None and (self._failed is None or n.jid(index) < self._failed):
            self._failed = n.jid(index)

    def _unfinished(self) -> tuple[Ranges, int]:
        unfinished: list[range] = []
        queued = 0
        for n in self._open:
            for pending in self._store.pending(n.stretch):
                unfinished.append(range(n.jid(pending.lo), n.jid(pending.hi)))
                queued += (pending.hi - pending.lo) * pending.ready
            for claim in self._store.claims(n.stretch):
                lo, hi = max(claim.lo, n.stretch.lo), min(claim.hi, n.stretch.hi)
                unfinished.append(range(n.jid(lo), n.jid(hi)))
        return normal(unfinished), queued


class OutcomesQuestion:
    """Which of these are finished, and how? See `JobApi.outcomes`."""

    def __init__(
        self, store: Store, naming: Naming, jids: Ranges, *, deadline: float | None, linger: float, max_bytes: int
    ) -> None:
        self._store = store
        self._named = naming.find(jids)
        self._groups = [(group, Pieces(store, group) if are_many(group) else None) for group in in_groups(self._named)]
        self._jobs = sum(len(n.stretch) for n in self._named)
        self._linger = linger
        self._lingering = False
        self._max_bytes = max_bytes
        self.sids = frozenset(n.stretch.sid for n in self._named)
        self.deadline = deadline

    def look(self, now: float) -> list[Ended] | None:
        """With a linger: once something is there, only 'all finished' or the linger's end is an answer."""
        due = self.deadline is not None and now >= self.deadline
        if self._lingering and not due and not self._all_finished():
            return None
        answer = self._read()
        if not answer:
            self._check_existence()
            return [] if due else None
        complete = sum(len(e.jids) for e in answer) == self._jobs
        if self._linger and not complete and not self._lingering and not due and not self._all_finished():
            self._lingering = True
            self.deadline = now + self._linger if self.deadline is None else min(self.deadline, now + self._linger)
            return None
        return answer

    def _all_finished(self) -> bool:
        return all(
            all(self._store.all_finished(n.stretch) for n in group) if pieces is None else not pieces.any_open()
            for group, pieces in self._groups
        )

    def _read(self) -> list[Ended]:
        answer: list[Ended] = []
        budget = self._max_bytes
        for group, _ in self._groups:
            tag = group[0].submission.spec.environment.cache_tag
            for n, outcomes in outcomes_of(self._store, group, RESULT_COLUMNS, budget):
                answer.append(Ended(n.jid(outcomes.lo), outcomes, tag))
                budget -= sum(len(c.data) for c in (outcomes.result, outcomes.error, outcomes.exception) if c)
                if budget <= 0:
                    return answer
        return answer

    def _check_existence(self) -> None:
        """All finished and no outcome: it was deleted while we waited."""
        for group, pieces in self._groups:
            for n in group if pieces is None or not pieces.any_open() else ():
                if len(n.stretch) and self._store.all_finished(n.stretch):
                    gone = first_missing(self._store, n.stretch)
                    if gone is not None:
                        raise not_found(n.jid(gone))


def first_missing(store: Store, stretch: Stretch) -> int | None:
    """Lowest index of the stretch that is in no pending range, claim or outcome row: a deleted job."""
    there = [range(p.lo, p.hi) for p in store.pending(stretch)]
    there += [range(c.lo, c.hi) for c in store.claims(stretch)]
    there += [range(o.lo, o.hi) for o in store.outcomes(stretch)]
    missing = subtract([range(stretch.lo, stretch.hi)], normal(there))
    return missing[0].start if missing else None
