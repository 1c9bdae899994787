"""The half of the core that acts: outcomes in, lost work back, ready work out."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from cloud.dispatch import lifecycle
from cloud.dispatch.accounts import Accounts
from cloud.dispatch.arrivals import Arrivals
from cloud.dispatch.barriers import Barriers
from cloud.dispatch.claiming import Claiming
from cloud.dispatch.early import EarlyStart
from cloud.dispatch.lease import Lease
from cloud.dispatch.neighbours import Neighbours
from cloud.dispatch.ports import Blobs, Claim, Clock, Engine, Event, Finished, Store
from cloud.dispatch.step import Step
from cloud.dispatch.tokens import JobTokens
from cloud.dispatch.usage import Usage
from cloud.dispatch.waiters import Waiters
from cloud.errors import ServerUnavailable, StoreFull
from cloud.model import Chunk, Outcomes, Status, Submission

log = logging.getLogger("Cloud.dispatcher")

RETRY_AFTER_SECONDS = 1.0
"""How long outcomes that could not be stored (a full disk) are kept before the next try."""


_NONE: Mapping[int, Outcomes] = {}


def _at_once(work: Callable[[], Any], then: Callable[[Any], None]) -> None:
    then(work())


class Dispatcher:
    """Drives one engine from one store.

    Everything that changes the store happens in a `step()`: one transaction, in which freed seats are claimed too, and
    after whose commit work starts and waiters wake. A step may be taken by any thread; `lock` makes them one at a time.

    Args:
        store, blobs, engine, clock: the ports.
        name: who we are, for people.
        sole: nobody else dispatches from this store (its owner holds a lock on it): claims of all others are reaped
            at once, and the lease needs no renewal.
    """

    on_transaction: Callable[[float], None] | None = None
    """Called with the seconds that each step's transaction took; must be quick."""
    aside: Callable[[Callable[[], Any], Callable[[Any], None]], None] = staticmethod(_at_once)
    """Does what may take long because blobs are far, then calls the other with what it returned; a server does the
    first in another thread. A `CloudException` of it is logged, and that is all."""

    def __init__(
        self, store: Store, blobs: Blobs, engine: Engine, clock: Clock, *, name: str = "", sole: bool = True
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.engine = engine
        self.clock = clock
        self.lock: AbstractContextManager[Any] = threading.RLock()
        self.waiters = Waiters()
        self.tokens = JobTokens(store)
        self.barriers = Barriers(store, clock)
        self.rearm: Callable[[], None] = lambda: None
        """Called after a step outside `tick`: deadlines may have moved nearer."""
        self.listen: Callable[[bool], None] = lambda _: None
        """Called with False when a step begins to wait for the engine by itself, and with True when it has."""
        self.closed = False
        """No job begins any more, and waiting is of no use."""
        self.ended_early: Mapping[int, Outcomes] = _NONE
        """By sid, how lone jobs ended that the last step started before its commit, if no others (`EarlyStart`)."""
        self.on_change: Callable[[Step | None], None] | None = None
        """Called at the end of every step that was committed, here or by a neighbour; must be quick, and set only while
        somebody looks."""
        self.accounts = Accounts(store, clock)
        self.usage = Usage(store, clock, self.accounts, alone=sole)
        self._claiming = Claiming(store, engine, self.tokens, self.usage)
        self.arrivals = Arrivals(store, self._claiming, clock, self.usage)
        self._early = EarlyStart(engine, clock)
        self._neighbours = Neighbours(store, self._claiming, alone=sole)
        self._sole = sole
        self._step: Step | None = None
        self._ticking = False
        self._more = True
        self._events: list[Event] = []
        self._retry_at: float | None = None
        self._kept = False
        kill = partial(self.kill, force=False)
        self._lease = Lease(store, engine, clock, self._claiming, self.arrivals, kill, name=name, sole=sole)
        with self.step() as step:
            self.tokens.load()
            self._lease.enlist(step)

    # --- steps

    @contextmanager
    def step(self) -> Iterator[Step]:
        """One transaction and what follows its commit; a nested step joins the outer one."""
        with self.lock:
            if self._step is not None:
                yield self._step
                return
            step = self._step = Step()
            timed = self.on_transaction
            began = self.clock.monotonic() if timed is not None else 0.0
            try:
                with self.store.transaction():
                    yield step
                    self.barriers.follow(step)
                    if step.ready or self._more:
                        self._claim(step)
                    if step.prompt and self._early.suits(step.work):
                        self._run_early(step)
                    self._neighbours.tell(step)
            except BaseException as error:
                self._undo(step, error)
                raise
            finally:
                self._step = None
                if timed is not None:
                    timed(self.clock.monotonic() - began)
            self._follow(step)
            if not self._ticking:
                self.rearm()

    def _run_early(self, step: Step) -> None:
        step.early, step.work = step.work, []
        self._claiming.hold(step.early)
        try:
            self.engine.start(step.early)
            self.listen(False)
            self.store.write_ahead()  # while it runs
            step.events = self._early.wait(step.early)
        finally:
            self.listen(True)
        for event in step.events:
            self.arrivals.absorb(event, step)
            if isinstance(event, Finished) and event.outcomes.count == 1:
                step.ended_early[event.outcomes.sid] = event.outcomes
        self.barriers.follow(step)
        if step.ready:
            self._claim(step)

    def _claim(self, step: Step) -> None:
        """Ready work to free seats."""
        if self.closed:
            step.spare, step.ready = True, False
            return
        work, self._more = self._claiming.claim()
        self._end_spoilt(step)
        step.spare |= step.ready and self._more
        step.ready = False
        step.prompt &= not work
        step.work += work

    def _end_spoilt(self, step: Step) -> None:
        """Jobs that cannot be started, whatever is done, end here."""
        while self._claiming.spoilt:
            _, (submission, error) = self._claiming.spoilt.popitem()
            ended = Outcomes.uniform(submission.sid, 0, submission.count, Status.ERROR, lifecycle.spoilt_text(error))
            for lo, hi in self.store.settle(ended, at=self.clock.now()):
                step.finish(submission.sid, lo, hi)
            self._more = step.look = True  # seats that were meant for them are free again

    def claim_at_once(self, submission: Submission, chunks: list[Chunk], step: Step) -> None:
        """Inside a step: a submission of one job, just made ready, past the queue if nobody is in it."""
        if self.closed or self._more or step.finished or (step.work and not step.prompt):
            return
        work = self._claiming.claim_new(submission, chunks)
        if work is not None:
            step.work.append(work)
            step.ready, step.prompt = False, True

    def _undo(self, step: Step, error: BaseException) -> None:
        """The transaction was rolled back: nothing in it has happened. (Where the database is lost while it commits,
        that is looked into later.)"""
        self.barriers.forget()
        self._more = True
        if isinstance(error, ServerUnavailable) and not self._sole:
            self._neighbours.doubted = True
            self._retry_at = self.clock.monotonic() + RETRY_AFTER_SECONDS
        for item in step.early:
            self.engine.kill(item.claim.cid, item.claim.lo, item.claim.hi, force=True, reason="it was not stored")
            self._claiming.release(item.claim.cid)
        if step.events:  # the engine has said so and will not wake us again
            self._events += step.events
            self._retry_at = self.clock.monotonic()
            self.rearm()

    def _follow(self, step: Step) -> None:
        self.ended_early = step.ended_early if step.early and not step.work else _NONE  # no deadline is nearer, then
        if step.work:  # after the commit: a crash before it starts nothing, a crash behind it is a loss
            self._claiming.hold(step.work)
            self.engine.start(step.work)
        for cid, jobs in step.left.items():
            self._claiming.shrink(cid, jobs)
        for action in step.after:
            try:
                action()
            except Exception:  # the commit stands, and what else follows it must follow
                log.exception("what follows a commit failed")
        if step.look:
            self.tick()
        with self.store.reading():
            self.waiters.notify(step.touched)
        if step.garbage:
            self._sweep(step.garbage)
        if self.on_change is not None:
            self.on_change(step)

    def _sweep(self, garbage: list[str]) -> None:
        """Delete blobs, but for those that are named by their content and came again; none comes meanwhile."""
        try:
            with self.store.transaction():
                doomed = set(garbage) - self.store.referenced(garbage)
                if not self.blobs.far:
                    self.blobs.delete(doomed)
                    return
            self.aside(lambda: self.blobs.delete(doomed), lambda _: None)  # names of far ones do not come again
        except ServerUnavailable as error:  # the commit stands; retention finds them
            log.warning("%d blobs are left for later: %s", len(garbage), error)

    def kill(self, claim: Claim, lo: int, hi: int, *, force: bool) -> None:
        """Behind a commit: end jobs lo..hi-1 of a claim, wherever the engine has them; those that it gives back or
        loses have ended too, and do not start again."""
        held = self._claiming.held.get(claim.cid)
        if held is not None:
            held.killed.append(range(lo, hi))
        self.engine.kill(claim.cid, lo, hi, force=force, reason=lifecycle.KILLED_TEXT)

    def kill_elsewhere(self, claim: Claim, lo: int, hi: int, *, force: bool) -> bool:
        """Inside a step: whether another dispatcher has this claim, who is told to do the same behind our commit."""
        return self._neighbours.tell_of_kill(claim, lo, hi, force=force)

    def running(self) -> Counter[tuple[int, int]]:
        """How many jobs of each (account, sid) this dispatcher has claimed: they run, or are about to."""
        found: Counter[tuple[int, int]] = Counter()
        for held in self._claiming.held.values():
            found[held.account, held.claim.sid] += held.left
        return found

    def slots_of(self, account: int) -> int | None:
        """How many slots it may have here; None: all there are."""
        return self.usage.slots(account, self._claiming.dispatcher)

    def close(self) -> None:
        """Begin no more jobs, and tell all who wait in this process that they wait for nothing."""
        with self.lock:
            self.closed = True
            self.waiters.wake_all()

    def resign(self) -> None:
        """After `close`, with an engine that was abandoned: other dispatchers may have our jobs at once."""
        if self._sole:
            return
        with self.lock:
            try:
                with self.step() as step:
                    self._lease.resign(step)
            except ServerUnavailable as error:
                log.warning("the jobs of this server go to others when its lease is over: %s", error)

    def tick(self) -> float | None:
        """One pass. Never waits.

        Returns:
            `clock.monotonic()` time at which to call again even if the engine's `fileno` stays silent; None: no need.
        """
        with self.lock:
            self._ticking = True
            try:
                self._events += self.engine.poll()
                self._hear()
                self._act()
                if heard := self.engine.heard():
                    self.waiters.notify(heard)
            finally:
                self._ticking = False
            return self.next_deadline()

    def _hear(self) -> None:
        """What other dispatchers of the store told."""
        news = self._neighbours.heard()
        if news is None:
            return
        self._more |= news.ready or news.missed
        try:
            for claim, part, force in self._neighbours.killed(news):
                self.kill(claim, part.start, part.stop, force=force)
            self._events += self.engine.poll()
            with self.store.reading():
                if news.missed:
                    self.waiters.wake_all()
                self.waiters.notify(news.touched)
            if self.on_change is not None and (news.missed or news.touched):
                self.on_change(None if news.missed else Step(touched=set(news.touched)))
        except ServerUnavailable as error:  # once it is there again we are told that we missed something
            log.error("what others did cannot be looked at: %s", error)

    @property
    def behind(self) -> bool:
        """Whether outcomes wait in memory until the store takes them."""
        return bool(self._events)

    def next_deadline(self) -> float | None:
        """When `tick` wants to be called at the latest."""
        due = self.engine.next_deadline()
        for other in (self._retry_at, self._lease.due):
            if other is not None and (due is None or other < due):
                due = other
        return due

    def _act(self) -> None:
        now = self.clock.monotonic()
        renew = self._lease.due is not None and now >= self._lease.due
        if not (self._events or renew or self._more) or (self._retry_at is not None and now < self._retry_at):
            return
        self._retry_at = None
        events, self._events = self._events, []  # others may come, and be stored or not, behind the commit
        try:
            with self.step() as step:
                self._neighbours.settle_doubt(step)
                if renew:
                    self._more = True
                    self._lease.renew(step)
                for event in events:
                    self.arrivals.absorb(event, step)
        except (StoreFull, ServerUnavailable) as error:
            self._events = events + self._events
            log.error("%d outcomes are kept in memory until the store takes them: %s", len(self._events), error)
            self._retry_at, self._kept = now + RETRY_AFTER_SECONDS, True
        except Exception:
            self._events = events + self._events
            log.exception("a fault of ours while %d outcomes were stored; each is tried alone", len(self._events))
            self._retry_at = now + RETRY_AFTER_SECONDS
            self._absorb_singly()
        else:
            if self._kept:  # since they were last stored
                self._kept = False
                log.warning("the store takes outcomes again; all that were kept are stored")
            if not self._events:
                self.engine.stored()

    def _absorb_singly(self) -> None:
        """One event that cannot be stored must not hold up all others: its jobs end in error."""
        with self.step():
            pass  # if this fails too, the fault is not an event's: all are kept
        events, self._events = self._events, []
        for event in events:
            try:
                with self.step() as step:
                    self.arrivals.absorb(event, step)
            except (StoreFull, ServerUnavailable):
                self._events.append(event)
            except Exception as error:
                log.exception("an outcome cannot be stored: %r", event)
                self._give_up(event, error)

    def _give_up(self, event: Event, error: Exception) -> None:
        held = self._claiming.held.get(event.cid)
        lo, hi = (event.outcomes.lo, event.outcomes.hi) if isinstance(event, Finished) else (event.lo, event.hi)
        if held is None:
            return
        text = f"The job ended, but a fault of picloud kept its outcome from being stored: {error!r}. The log has more."
        ended = Outcomes.uniform(held.claim.sid, lo, hi, Status.ERROR, text)
        ended.attempt = held.claim.attempt
        with self.step() as step:
            self.arrivals.finish(event.cid, ended, step)
