"""The lease of a dispatcher, and what becomes of the jobs of those whose lease is over (DESIGN D7)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from cloud.dispatch import lifecycle
from cloud.dispatch.arrivals import Arrivals
from cloud.dispatch.claiming import Claiming
from cloud.dispatch.ports import Claim, Clock, Engine, Store
from cloud.dispatch.step import Step
from cloud.model import Outcomes, Ranges, Status, Stretch
from cloud.model.ranges import count, intersect, normal, subtract

log = logging.getLogger("Cloud.dispatcher")

LEASE_DURATION = timedelta(seconds=15)
RENEW_EVERY_SECONDS = 5.0


class Lease:
    """Says who we are to the store; all methods but `due` inside a step.

    Args:
        arrivals: takes in what becomes of claimed jobs.
        kill: ends jobs of a claim of ours, behind a commit.
        name: who we are, for people.
        sole: nobody else dispatches from this store: claims of all others are reaped at once, and the lease needs no
            renewal.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Clock,
        claiming: Claiming,
        arrivals: Arrivals,
        kill: Callable[[Claim, int, int], None],
        *,
        name: str,
        sole: bool,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._claiming = claiming
        self._arrivals = arrivals
        self._kill = kill
        self._name = name
        self._sole = sole
        self._strays: dict[str, float] = {}
        """Agents of claims of ours that are not here, and since when (monotonic)."""
        self._renewed_at = clock.monotonic()
        self._patient_until = self._renewed_at + LEASE_DURATION.total_seconds()
        self.due: float | None = None if sole else self._renewed_at + RENEW_EVERY_SECONDS
        """Monotonic time of the next renewal; None: it needs none."""

    def enlist(self, step: Step) -> None:
        """Begin. Where there are others they are given time to renew theirs: the database may be back just now."""
        others = self._store.dispatchers() if self._sole else []
        self._claiming.dispatcher = self._store.enlist(self._name, self._clock.now() + LEASE_DURATION)
        for other in others:
            self._reap(other, step)
        if not self._sole:
            self._take_over(step)

    def renew(self, step: Step) -> None:
        """And reap those who did not renew theirs; but if we could not renew ours in time, they may not have been able
        to either, and have as long again."""
        now, at = self._clock.now(), self._clock.monotonic()
        self.due = at + RENEW_EVERY_SECONDS
        if at - self._renewed_at > LEASE_DURATION.total_seconds():
            self._patient_until = at + LEASE_DURATION.total_seconds()
        step.after.append(partial(self._has_renewed, at))
        if not self._store.renew(self._claiming.dispatcher, now + LEASE_DURATION):
            log.error("this dispatcher was taken for dead and its jobs given to others: starting afresh")
            for held in list(self._claiming.held.values()):
                claim = held.claim
                self._engine.kill(claim.cid, claim.lo, claim.hi, force=True, reason="its dispatcher lost its lease")
                self._claiming.release(claim.cid)
            self._reap(self._claiming.dispatcher, step)  # what we claimed before we noticed
            self._claiming.dispatcher = self._store.enlist(self._name, now + LEASE_DURATION)
        else:
            self._look_after_claims(step)
        for other in self._store.lapsed(now) if at >= self._patient_until else ():
            if other != self._claiming.dispatcher:
                self._reap(other, step)

    def resign(self, step: Step) -> None:
        """Our engine was abandoned: others may have its jobs at once, or take them over where they go on."""
        if self._engine.survives:
            self._store.renew(self._claiming.dispatcher, self._clock.now())
        else:
            self._reap(self._claiming.dispatcher, step)

    def _look_after_claims(self, step: Step) -> None:
        """Claims are forgotten that are another's now, who took them over with their agent; and they are lost if their
        agent was taken by somebody who did not live to do so, for then nobody vouches for them."""
        ours = self._store.claims_of(self._claiming.dispatcher)
        for cid in self._claiming.held.keys() - {claim.cid for claim in ours}:
            step.after.append(partial(self._claiming.release, cid))
        now, here = self._clock.monotonic(), {agent.name for agent in self._engine.state().agents}
        self._strays = {
            claim.agent: self._strays.get(claim.agent, now) for claim in ours if claim.agent and claim.agent not in here
        }
        for claim in ours:
            if now - self._strays.get(claim.agent, now) >= LEASE_DURATION.total_seconds():
                self._arrivals.lose(claim, "its agent was taken by a server that is gone", step)

    def _has_renewed(self, at: float) -> None:
        self._renewed_at = at

    def _reap(self, dispatcher: int, step: Step) -> None:
        """The claims of a dispatcher that is gone; agents that still have some of their jobs keep these, for us."""
        self._share_out(self._store.claims_of(dispatcher), step)
        self._store.discharge(dispatcher)

    def _take_over(self, step: Step) -> None:
        """Jobs at agents that are ours now, before the lease of who gave them is over: they would be dropped there."""
        agents = self._engine.taken_over()
        for other in self._store.dispatchers() if agents else ():
            if other != self._claiming.dispatcher:
                self._share_out([claim for claim in self._store.claims_of(other) if claim.agent in agents], step)

    def _share_out(self, claims: Sequence[Claim], step: Step) -> None:
        sids = {claim.sid for claim in claims}
        submissions = {sid: found for sid in sids if (found := self._store.submission(sid)) is not None}
        kept = self._engine.adopt(claims, submissions)
        for claim in claims:
            whole, ours = (range(claim.lo, claim.hi),), kept.get(claim.cid)
            gone = subtract(whole, ours or ())
            killed = normal(self._store.condemned(Stretch(claim.sid, claim.lo, claim.hi)))
            for part in intersect(gone, killed):
                ended = Outcomes.uniform(claim.sid, part.start, part.stop, Status.KILLED, lifecycle.KILLED_TEXT)
                ended.attempt = claim.attempt
                self._arrivals.finish(claim.cid, ended, step)
            for part in subtract(gone, killed):
                if ours is not None:
                    self._arrivals.put_back(claim.cid, part, step)
                else:
                    lost = replace(claim, lo=part.start, hi=part.stop)
                    self._arrivals.lose(lost, "the server stopped while this job was running", step)
            if left := subtract(whole, gone):
                self._keep(claim, left, killed, submissions[claim.sid].account, step)

    def _keep(self, claim: Claim, jobs: Ranges, killed: Ranges, account: int, step: Step) -> None:
        """A claim that was another dispatcher's is ours."""
        self._store.adopt(claim.cid, self._claiming.dispatcher)
        mine = replace(claim, dispatcher=self._claiming.dispatcher)
        self._claiming.keep(mine, account, count(jobs))
        for part in intersect(jobs, killed):
            step.after.append(partial(self._kill, mine, part.start, part.stop))
