"""What comes back from the engine, into the store: outcomes, jobs that did not start, attempts that were lost."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cloud.dispatch import lifecycle
from cloud.dispatch.claiming import Claiming
from cloud.dispatch.ports import Claim, Clock, Event, Finished, Returned, Store
from cloud.dispatch.step import Step
from cloud.dispatch.usage import Usage
from cloud.model import Outcomes, Status

log = logging.getLogger("Cloud.dispatcher")


class Arrivals:
    """Takes events in; runs inside a step's transaction."""

    def __init__(self, store: Store, claiming: Claiming, clock: Clock, usage: Usage) -> None:
        self._store = store
        self._claiming = claiming
        self._clock = clock
        self._usage = usage
        self.on_finish: Callable[[Outcomes], None] | None = None
        """Called after the commit with outcomes that were stored, before those who wait are woken."""

    def absorb(self, event: Event, step: Step) -> None:
        """What the engine reported of jobs of ours."""
        if isinstance(event, Finished):
            self.finish(event.cid, event.outcomes, step)
            return
        killed, others = self._claiming.parted(event.cid, event.lo, event.hi)
        for part in killed:
            self._end_killed(event.cid, part, step)
        held = self._claiming.held.get(event.cid)
        for part in others:
            if isinstance(event, Returned):
                self.put_back(event.cid, part, step)
            elif held is not None:
                self.lose(replace(held.claim, lo=part.start, hi=part.stop), event.reason, step)

    def put_back(self, cid: int, part: range, step: Step) -> None:
        """Jobs of a claim that certainly did not start."""
        if self._store.give_back(cid, part.start, part.stop):
            step.ready = True
            step.left[cid] += len(part)

    def _end_killed(self, cid: int, part: range, step: Step) -> None:
        held = self._claiming.held.get(cid)
        if held is not None:
            ended = Outcomes.uniform(held.claim.sid, part.start, part.stop, Status.KILLED, lifecycle.KILLED_TEXT)
            ended.attempt = held.claim.attempt
            self.finish(cid, ended, step)

    def finish(self, cid: int, outcomes: Outcomes, step: Step) -> None:
        """Jobs of a claim ended, if the claim still has them."""
        if self._store.finish(cid, outcomes, at=self._clock.now()):
            step.finish(outcomes.sid, outcomes.lo, outcomes.hi)
            step.left[cid] += outcomes.count
            if (held := self._claiming.held.get(cid)) is not None:
                self._usage.grew(held.account, outcomes)
            if self.on_finish is not None:
                step.after.append(partial(self.on_finish, outcomes))
        else:
            log.warning(
                "outcomes of jobs %d..%d of submission %d, attempt %d, came after their claim was reaped: refused",
                outcomes.lo, outcomes.hi - 1, outcomes.sid, outcomes.attempt,
            )  # fmt: skip
            step.left[cid] += outcomes.count  # wherever the jobs are now, they are not with us
            step.touched.add(outcomes.sid)

    def lose(self, claim: Claim, reason: str, step: Step) -> None:
        """Attempts that nobody can say the end of; `claim` is cut to their jobs."""
        submission = self._store.submission(claim.sid)
        if submission is None:
            return
        spec = submission.spec
        if lifecycle.after_loss(spec, claim.attempt) is Status.QUEUED:
            if self._store.give_back(claim.cid, claim.lo, claim.hi, lost=reason, at=self._clock.now()):
                step.touched.add(claim.sid)
                step.ready = True
                step.left[claim.cid] += claim.hi - claim.lo
            return
        text = lifecycle.loss_text(spec, claim.attempt, reason)
        ended = Outcomes.uniform(claim.sid, claim.lo, claim.hi, Status.ERROR, text)
        ended.attempt = claim.attempt
        self.finish(claim.cid, ended, step)
