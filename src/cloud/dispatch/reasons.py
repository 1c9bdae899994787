"""Why a job does not run yet, or how it came to its end: a sentence or two for people.

All reads are bounded: what is said of very many jobs may be 'at least' or 'others'.
"""

import math
from collections import Counter

from cloud.dispatch.counting import counts_in
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.naming import Naming, not_found
from cloud.dispatch.ports import Claim, Pending
from cloud.dispatch.wording import by_name, by_status, called, jobs_named, lasting, listed, moment, number_of
from cloud.model import Outcomes, Spec, Status, Stretch, Submission
from cloud.model.ranges import normal
from cloud.wire.failure_text import gist

MOST_STRETCHES = 1000
"""Of what a job depends on, so many stretches are looked at."""
MOST_DESCRIBED = 100
"""Of those that are not finished, so many are told of."""
MOST_AHEAD = 200
"""So many ready ranges before a job are looked at."""
LONGEST_QUOTE = 300


class Reasons:
    """Answers `JobApi.why` for one account, and says nothing of what others run."""

    def __init__(self, dispatcher: Dispatcher, account: int, naming: Naming) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._account = account
        self._naming = naming

    def why(self, jid: int) -> str:
        """See `JobApi.why`."""
        named = self._naming.find((range(jid, jid + 1),))[0]
        submission, stretch = named.submission, named.stretch
        for pending in self._store.pending(stretch):
            if pending.ready:
                return self._queued(submission, pending)
            return self._waiting(submission)
        for claim in self._store.claims(stretch):
            return self._processing(submission, claim, stretch.lo)
        for outcomes in self._store.outcomes(stretch, columns=("error",)):
            return self._finished(submission, outcomes, stretch.lo)
        raise not_found(jid)

    # --- waiting

    def _waiting(self, submission: Submission) -> str:
        stretches = self._store.barrier(submission.sid)
        open_jobs: list[range] = []
        counts: Counter[Status] = Counter()
        looked_at = described = 0
        for stretch in stretches[:MOST_STRETCHES]:
            looked_at += 1
            if self._store.all_finished(stretch):
                continue
            counts += Counter({s: n for s, n in counts_in(self._store, stretch).items() if not s.finished})
            open_jobs += self._unfinished(stretch)
            described += 1
            if described >= MOST_DESCRIBED:
                break
        if not counts:
            return "It waits for the jobs that it depends on; those that were looked at are finished."
        at_least = "at least " if len(stretches) > looked_at else ""
        total, of = counts.total(), sum(map(len, stretches))
        names = jobs_named(normal(open_jobs))
        how = by_status(counts) if total > 1 else next(iter(counts)).word
        if of == 1:
            return f"It depends on {names}, which is not finished ({how})."
        some = f"all {number_of(of)}" if total == of else f"{at_least}{total:,} of the {number_of(of)}"
        return f"It waits for {some} that it depends on: {names} ({how})."

    def _unfinished(self, stretch: Stretch) -> list[range]:
        submission = self._store.submission(stretch.sid)
        if submission is None:
            return []
        first = submission.jids.start
        spans = [(p.lo, p.hi) for p in self._store.pending(stretch)]
        spans += [(max(c.lo, stretch.lo), min(c.hi, stretch.hi)) for c in self._store.claims(stretch)]
        return [range(first + lo, first + hi) for lo, hi in spans]

    # --- queued

    def _queued(self, submission: Submission, pending: Pending) -> str:
        spec, engine = submission.spec, self._dispatcher.engine
        sentences = []
        refusal = engine.refuse(spec)
        if refusal is not None:
            return f"It cannot run here at present: {refusal}."
        if pending.losses:
            sentences.append(self._retry(submission, pending))
        state = engine.state()
        if state.trouble:
            sentences.append(f"The cluster is away: {state.trouble}. Jobs are started when it is back.")
            return " ".join(sentences)
        if spec.cores > state.slots:
            sentences.append(
                f"It wants {spec.cores} cores, more than the {state.slots} there are, and runs when it can have all "
                f"of them."
            )
        ahead = self._ahead(submission, pending)
        free = state.slots - (state.busy - state.blocked)
        if free < min(spec.cores, state.slots):
            sentences.append(self._slots(spec, state.slots, free))
        if limit := self._limit(spec):
            sentences.append(limit)
        if ahead:
            sentences.append(ahead)
        if not sentences:
            sentences.append("It is first in the queue and starts as soon as a worker takes it, at any moment.")
        return " ".join(sentences)

    def _retry(self, submission: Submission, pending: Pending) -> str:
        losses = self._store.losses(Stretch(submission.sid, pending.lo, pending.lo + 1))
        reason = f" ({losses[-1].reason})" if losses else ""
        return f"Attempt {pending.losses} of it was lost{reason}, so that it is to run again."

    def _slots(self, spec: Spec, slots: int, free: int) -> str:
        mine: Counter[str] = Counter()
        others = 0
        for dispatcher in self._store.dispatchers():
            for claim in self._store.claims_of(dispatcher):
                submission = self._store.submission(claim.sid)
                if submission is not None and submission.account == self._account:
                    mine[called(submission.spec)] += claim.hi - claim.lo
                else:
                    others += 1
        busy = [f"they have {by_name(mine)}"] if mine else []
        busy += ["jobs of other accounts run"] if others else []
        running = f": {listed(busy)}" if busy else ""
        if free > 0:
            return f"It wants {spec.cores} cores and only {free} of the {slots} are free{running}."
        whole = "The only slot is" if slots == 1 else f"All {slots} slots are"
        return f"{whole} busy{running}."

    def _limit(self, spec: Spec) -> str:
        most = self._dispatcher.slots_of(self._account)
        used = self._dispatcher.engine.used_by().get(self._account, 0)
        if most is None or used + max(1, spec.cores) <= most:
            return ""
        return f"Its account may have {most} slot{'s' if most != 1 else ''} here at a time, and has {used}."

    def _ahead(self, submission: Submission, pending: Pending) -> str:
        """Which jobs of the account come before it."""
        names: Counter[str] = Counter()
        page = self._store.ready_of(self._account, MOST_AHEAD)
        turn = (submission.spec.priority, submission.sid, pending.lo)
        complete = len(page) < MOST_AHEAD
        for other in page:
            if (other.priority, other.sid, other.lo) >= turn:
                complete = True
                break
            owner = self._store.submission(other.sid)
            if owner is not None:
                jobs = min(other.hi, pending.lo) - other.lo if other.sid == submission.sid else other.hi - other.lo
                names[self._distinguished(owner.spec, submission.spec)] += jobs
        if not names:
            return ""
        verb = "comes" if names.total() == 1 else "come"
        return f"{'' if complete else 'At least '}{number_of(names.total())} {verb} before it: {by_name(names)}."

    @staticmethod
    def _distinguished(other: Spec, own: Spec) -> str:
        """What the other jobs are called, with their priority where it is why they come first."""
        return called(other) + (f" (priority {other.priority})" if other.priority != own.priority else "")

    # --- processing and finished

    def _processing(self, submission: Submission, claim: Claim, index: int) -> str:
        attempt = f" This is attempt {claim.attempt}." if claim.attempt > 1 else ""
        live = self._dispatcher.engine.live(submission.sid, index)
        if live is None:
            delay = self._dispatcher.engine.delay(submission.sid, index)
            return f"A worker has it{f', but {delay}' if delay else ' and starts it at any moment'}.{attempt}"
        lasted = max(0.0, self._dispatcher.clock.now().timestamp() - live.started_at)
        text = f"It runs since {moment(live.started_at)}, for {lasting(lasted)} now.{attempt}"
        if live.waits_for:
            text += f" It waits for {jobs_named(normal(live.waits_for))} and has lent them its slot meanwhile."
        return text

    def _finished(self, submission: Submission, outcomes: Outcomes, index: int) -> str:
        status = outcomes.status_of(index)
        error = bytes(outcomes.bytes_of("error", index)).decode("utf-8", "replace").strip()
        # Of what was killed the last line says why; what it raised is always the same.
        last = (error.rpartition("\n")[2] if status is Status.KILLED else gist(error))[:LONGEST_QUOTE]
        if status is Status.STALLED:
            return f"It never ran. {last}."
        runtime = math.nan if outcomes.is_uniform else outcomes.runtime[index - outcomes.lo]
        after = "" if math.isnan(runtime) else f" after {lasting(runtime)}"
        attempt = f", in attempt {outcomes.attempt}" if outcomes.attempt > 1 else ""
        if status is Status.DONE:
            return f"It is done: it returned{after}{attempt}."
        if status is Status.KILLED:
            ran = after or (" before it ran" if not outcomes.attempt else "")
            return f"It was killed{ran}{attempt}{f': {last}' if last and last != 'Killed' else ''}."
        return f"It ended in error{after}{attempt}: {last}"
