"""The agent: runs attempts in worker processes of this machine. Engines put it to use; it is single-threaded.

    offer, start    Placement says who takes how much; `parcel` packs it; the worker's socket carries it
    poll            Watch (sockets, pipes, deaths) -> Harvest (rings) -> deadlines -> sleep or look again
    kill            take back what has not started, interrupt what runs, SIGKILL what does not obey

How an agent sleeps: while traffic flows it looks into the rings every `LOOK_AGAIN_SECONDS` and no worker makes a system
call per job; when a look finds nothing new, or a worker runs dry, the worker's next record wakes it.
"""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence

from cloud.agent.asks import BLOCKED_MAX, Asks
from cloud.agent.batch import Batch
from cloud.agent.binding import Binding
from cloud.agent.crew import Crew, quiet, wake_up
from cloud.agent.death import Death, failed_to_start, reckon
from cloud.agent.estimates import Estimates
from cloud.agent.harvest import Harvest
from cloud.agent.limits import Limits
from cloud.agent.listening import Listening
from cloud.agent.looks import Looks
from cloud.agent.parcel import pack
from cloud.agent.placement import Placement
from cloud.agent.roster import roster
from cloud.agent.stacks import Stacks
from cloud.agent.stream import Stream
from cloud.agent.vigil import Vigil
from cloud.agent.watch import Watch
from cloud.agent.worker import Worker
from cloud.config import machine_identity
from cloud.dispatch.ports import (
    Blobs,
    Blocked,
    EngineState,
    Event,
    Reply,
    Returned,
    Seat,
    Served,
    Wanted,
    Work,
    WorkerState,
)
from cloud.errors import CloudException
from cloud.model import Spec
from cloud.wire.ring import HEAD, SPENT

LOOK_AGAIN_SECONDS = 2e-3
READS_OF_THE_DEAD = 256
NOBODY = 0
"""Seat of jobs whose interpreter cannot be started: they end in error."""
FAILED_MAX_JOBS = 1000


class Agent(Looks):
    """See `dispatch.ports.Engine` for what the public methods promise."""

    def __init__(self, slots: int, blobs: Blobs, on_request: Served | None = None, *, lock_fd: int | None = None,
                 variables: Mapping[str, str] | None = None, machine: str | None = None,
                 slot_memory: int | None = None, kind: str = "", devices: Sequence[str] = ()) -> None:  # fmt: skip
        """
        Args:
            slots: how many attempts run at a time.
            blobs: where large results go and large arguments come from.
            on_request: answers what jobs ask through their pipe; None: they cannot.
            lock_fd: a descriptor that stays open until the last worker is gone.
            variables: what every worker has in its environment, for example the server's address.
            slot_memory: bytes that a job may hold for each slot that it takes; None: there is no limit.
            kind: the name of the type of agent that has so much, for people.
            devices: see `Binding`.
            machine: identity of this machine and user as environments carry it; None: find out.
        """
        self._slots = max(1, slots)
        self._blobs = blobs
        self._on_request = on_request
        self.machine = machine = machine_identity() if machine is None else machine
        self._pid = os.getpid()
        self._events: list[Event] = []
        self._lending: dict[int, int] = {}
        self._wake = wake_up()
        self._watch = Watch()
        self._watch.add(self._wake, lambda: quiet(self._wake))
        self._estimates = Estimates()
        self._harvest = Harvest(blobs, self._estimates)
        self._placement = Placement(self._slots, self._estimates)
        self._crew = Crew(self._slots, machine, lock_fd, self._watch, self._wake, self._died, self._hired)
        self._binding = Binding(
            self._crew.interpreters, blobs, variables or {}, serves=on_request is not None, devices=devices
        )
        self._listening = Listening(self._crew.workers, self._read, self._ring_up)
        self._stacks = Stacks(self._listening, self._ring_up)
        self._vigil = Vigil(self._crew.workers)
        self._limits = Limits(
            self._estimates, self._crew.doom, self._keep, slots=self._slots, slot_memory=slot_memory, kind=kind
        )
        self._crew.upkeep(time.monotonic())

    # offers and starts

    def refuse(self, spec: Spec) -> str | None:
        """Only for want of an interpreter; more cores than there are means all of them."""
        return self._crew.interpreters.refuse(spec.environment)

    def add_interpreter(self, tag: str, executable: str) -> None:
        """Its template starts with the first job that wants it."""
        self._crew.interpreters.add(tag, executable)

    def offer(self, wanted: Wanted, *, lent_by: int | None = None) -> list[Seat]:
        """Idle workers first, then new ones while slots are free, then busy ones' short queues."""
        spec, remaining = wanted.submission.spec, wanted.hi - wanted.lo
        key, cores = spec.environment.key, self._placement.cores(wanted)
        workers, account = self._crew.workers.values(), wanted.submission.account
        free = self._slots - self._placement.used(workers, self._waits)
        if lent_by is not None:
            free = cores if self._waits(lent_by) else 0
        seats: list[Seat] = []
        taken = {w.number for w in workers if w.promise is not None}
        mine = [w for w in workers if w.account == account and self._takes(w, key)]
        idle = [w for w in mine if not w.taken]
        most = len(self._crew.workers) + self._slots if wanted.seats is None else wanted.seats
        while remaining and free >= cores and len(seats) < most:
            worker = idle.pop() if idle else self._crew.hire(spec.environment, taken)
            if worker is None and self._crew.failure(spec.environment):
                return [*seats, Seat(NOBODY, min(remaining, FAILED_MAX_JOBS))]
            if worker is None:
                break
            jobs = self._placement.idle_share(wanted, remaining, worker.room)
            taken.add(worker.number)
            self._placement.promise(wanted, worker, jobs)
            seats.append(Seat(worker.number, jobs))
            remaining -= jobs
            free -= cores
            if lent_by is not None:
                self._lending[worker.number] = lent_by
                return seats
        for worker in mine if lent_by is None else ():
            if (
                remaining
                and len(seats) < most
                and worker.taken
                and (jobs := self._placement.busy_share(wanted, remaining, worker))
            ):
                if any(seat.worker == worker.number for seat in seats):
                    continue
                self._placement.promise(wanted, worker, jobs)
                seats.append(Seat(worker.number, jobs))
                remaining -= jobs
        return seats

    def used_by(self) -> dict[int, int]:
        """By the workers that have their jobs."""
        return self._placement.used_by(self._crew.workers.values(), self._waits)

    def crowded(self, wanted: Wanted) -> bool:
        """Fewer slots are free than it takes; otherwise no worker could be made."""
        used = self._placement.used(self._crew.workers.values(), self._waits)
        return self._slots - used < self._placement.cores(wanted)

    def has_room(self) -> bool:
        """A free slot, or a short queue that is short."""
        workers = self._crew.workers.values()
        if self._placement.used(workers, self._waits) < self._slots:
            return True
        return any(w.taken and self._placement.takes_more(w) for w in workers)

    def expected_seconds(self, function: str) -> float | None:
        """As measured here."""
        return self._estimates.of(function)

    def start(self, work: Sequence[Work]) -> None:
        """Pack and send."""
        self._forget_promises()
        for item in work:
            worker = self._crew.workers.get(item.seat.worker)
            claim = item.claim
            if item.seat.worker == NOBODY:
                self._note(self._unstartable(item, self._crew.failure(item.submission.spec.environment)))
                continue
            if worker is None or worker.doomed or worker.to_work.broken:
                self._note(Returned(claim.cid, claim.lo, claim.hi))
                continue
            bind = None if worker.bound else self._binding.of(worker, item, self._crew.workers.values())
            try:
                parts, descriptors = pack(worker, item, bind, self._blobs.open, self._blobs.read)
            except Exception as error:  # whatever is wrong with one holds up no other
                far = isinstance(error, OSError | CloudException)
                how = "read from the blob store" if far else "sent to a worker"
                why = f"The function or the arguments could not be {how}: {error}"
                self._note(self._unstartable(item, why))
                continue
            if bind is not None:
                worker.account, worker.environment = item.submission.account, item.submission.spec.environment.key
                self._crew.make_room(worker)
            if not worker.busy:
                worker.lent_by = self._lending.pop(worker.number, None)
                worker.ring.wake_me()
            worker.add(item, parts, descriptors)
            worker.leaving |= item.submission.spec.kill_process or worker.used_up
            self._listening.look((worker,))

    # what happened

    def fileno(self) -> int:
        """Of the watch."""
        return self._watch.fileno()

    def poll(self) -> list[Event]:
        """One look at everything."""
        self._lending.clear()
        self._forget_promises()
        self._watch.look()
        now = time.monotonic()
        for worker in list(self._crew.workers.values()):
            if worker.tail < worker.ring.words[HEAD] or worker.batches:
                self._tend(worker, now)
        self._listening.look(self._crew.workers.values())
        self._stacks.look(now)
        self._crew.upkeep(now)
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> float | None:
        """The earliest of all that is to be done by the clock."""
        times = [t for t in (self._crew.next_deadline(), self._stacks.next_deadline()) if t is not None]
        now = time.monotonic()
        for worker in self._crew.workers.values():
            if worker.batches:
                times += self._limits.deadlines(worker, now)
                if worker.look_again is not None:
                    times.append(worker.look_again)
        return min(times, default=None)

    # kills and looks

    def kill(self, cid: int, lo: int, hi: int, *, force: bool, reason: str) -> None:
        """Take back, then interrupt."""
        for worker in list(self._crew.workers.values()):
            self._limits.kill(worker, cid, lo, hi, force=force, reason=reason)
        self._ring_up()  # there may be events now, and another deadline

    def blocked(self) -> list[Blocked]:
        """Those whose slot nobody uses."""
        lent = {w.lent_by for w in self._crew.workers.values() if w.busy} | set(self._lending.values())
        return [
            Blocked(worker.number, worker.waits_for)
            for worker in self._crew.workers.values()
            if worker.waits_for is not None and worker.kill is None and worker.number not in lent
        ]

    def state(self) -> EngineState:
        """Of this moment."""
        workers = [w for w in self._crew.workers.values() if not w.doomed]
        return EngineState(
            self._slots, len(workers), sum(w.busy for w in workers), sum(w.waits_for is not None for w in workers),
            self._crew.interpreters.tags(),
        )  # fmt: skip

    def workers(self, most: int) -> list[WorkerState]:
        """From the roster."""
        return roster(self._crew.workers.values(), most)

    def abandon(self) -> None:
        """Also in a process that was forked from the agent's: there it only lets go."""
        if self._wake < 0 or self._pid != os.getpid():
            return
        self._crew.close()
        self._watch.close()
        os.close(self._wake)
        self._wake = -1
        self._events.clear()

    # inside

    def _forget_promises(self) -> None:
        for worker in self._crew.workers.values():
            worker.promise = None

    def _takes(self, worker: Worker, key: str) -> bool:
        return (
            worker.environment == key
            and worker.kill is None
            and not (worker.doomed or worker.leaving or worker.to_work.broken)
        )

    def _waits(self, number: int) -> bool:
        worker = self._crew.workers.get(number)
        return worker is not None and worker.waits_for is not None

    def _keep(self, event: Event) -> None:
        self._events.append(event)

    def _note(self, *events: Event) -> None:
        """Outside of `poll`: events that the next one hands over."""
        self._events += events
        self._ring_up()

    def _ring_up(self) -> None:
        """Have `poll` called soon."""
        os.eventfd_write(self._wake, 1)

    def _unstartable(self, work: Work, why: str) -> Event:
        claim = work.claim
        return failed_to_start(Batch(work, 0, claim.hi - claim.lo, claim.lo), why)

    def _hired(self, worker: Worker) -> None:
        asks = Asks(worker, self._asked, self._may_wait, self._begin_wait, self._end_wait)

        def ask() -> None:
            if not asks.read():
                self._watch.remove(worker.api.fileno())

        add = self._watch.add
        add(worker.work.fileno(), lambda: self._files(worker), worker.to_work.flush)
        add(worker.api.fileno(), ask, worker.to_api.flush)
        add(worker.out.fd, lambda: self._read(worker, worker.out))
        add(worker.err.fd, lambda: self._read(worker, worker.err))

    def _files(self, worker: Worker) -> None:
        if not worker.receive_files():
            self._watch.remove(worker.work.fileno())

    def _read(self, worker: Worker, stream: Stream) -> None:
        stream.read()
        if not stream.open:
            self._watch.remove(stream.fd)
        self._listening.note(worker)

    def _tend(self, worker: Worker, now: float) -> None:
        """Harvest one worker, hold it to its deadlines, and decide how to hear of its next record."""
        got = self._harvest.take(worker)
        if worker.batches:
            self._limits.enforce(worker, now)
            worker.look_again = None
            if not got and not worker.ring.wake_me():
                got = self._harvest.take(worker)
            if got and self._has_brief_jobs(worker):  # taken in handfuls: it says so itself when it runs dry
                worker.ring.let_me_sleep()
                worker.look_again = now + LOOK_AGAIN_SECONDS
            else:
                while not worker.ring.wake_me() and (more := self._harvest.take(worker)):
                    got += more
        self._events += got
        if not worker.batches:
            self._idle(worker, now)

    def _idle(self, worker: Worker, now: float) -> None:
        worker.look_again = worker.waits_for = worker.lent_by = None
        worker.idle_since = now
        if worker.leaving or worker.ring.words[SPENT]:
            self._crew.retire(worker)

    def _has_brief_jobs(self, worker: Worker) -> bool:
        """Several, and none so long that it may wake us by itself."""
        if worker.held < 2:
            return False
        seconds = self._estimates.of(worker.batches[0].work.submission.spec.function)
        return seconds is not None and seconds <= LOOK_AGAIN_SECONDS / 2

    def _asked(self, worker: Worker, request: bytes, reply: Reply) -> None:
        batch = worker.running()
        if self._on_request is None or batch is None or worker.account is None:
            reply([])
            return
        seq = worker.ring.running()
        index = batch.index if seq is None else batch.index_of(seq)
        self._on_request(request, worker.account, (batch.work.submission.first_jid or 0) + index, reply)

    def _may_wait(self, worker: Worker) -> str:
        waiting = sum(w.waits_for is not None and w is not worker for w in self._crew.workers.values())
        if waiting < BLOCKED_MAX:
            return ""
        return (
            f"{waiting} jobs already wait for other jobs, each in a process of its own, and no more may; "
            f"let jobs return jids instead of waiting, or use _depends_on"
        )

    def _begin_wait(self, worker: Worker) -> None:
        seq = worker.ring.running()
        if seq is not None:
            self._limits.take_back(worker, seq + 1)

    def _end_wait(self, worker: Worker) -> None:
        """Loans end with the wait: who still runs on one takes a slot like all others, and the next wait lends anew."""
        worker.waits_for = None
        for other in self._crew.workers.values():
            if other.lent_by == worker.number:
                other.lent_by = None

    def _died(self, worker: Worker, death: Death) -> None:
        for stream in (worker.out, worker.err):
            with contextlib.suppress(OSError):
                stream.read(READS_OF_THE_DEAD)
        worker.receive_files()
        self._events += self._harvest.take(worker, final=True)
        self._events += reckon(worker, death)
