"""The crew: worker processes of all interpreters, hired, spared, retired and buried."""

import os
import time
from collections.abc import Callable, Collection

from cloud.agent.death import Death
from cloud.agent.interpreters import Interpreter, Interpreters
from cloud.agent.template import Exited, Forked, Signalled, Template
from cloud.agent.watch import Watch
from cloud.agent.worker import Worker
from cloud.model import Environment

IDLE_WORKER_SECONDS = 60.0
"""After this long, idle workers beyond the number of slots go."""
IDLE_TEMPLATE_SECONDS = 300.0
EXIT_SECONDS = 2.0
"""A worker told to exit that has not after this long is killed."""
UPKEEP_SECONDS = 1.0
"""How often to look after the crew when nothing changed."""
RETRY_SECONDS = 1.0
"""After a worker could not be made for want of memory, processes or descriptors."""
FAILED_SECONDS = 10.0
"""For this long an interpreter that could not be started is not tried again; its jobs end in error at once."""


class Crew:
    """All workers, by number."""

    def __init__(self, slots: int, machine: str, lock_fd: int | None, watch: Watch, wake: int,
                 died: Callable[[Worker, Death], None], hired: Callable[[Worker], None]) -> None:  # fmt: skip
        """
        Args:
            died: called for each dead worker, before it is closed.
            hired: called for each new one.
        """
        self.workers: dict[int, Worker] = {}
        self.interpreters = Interpreters(machine, lock_fd, self._template_started)
        self._slots = slots
        self._watch = watch
        self._wake = wake
        self._died, self._hired = died, hired
        self._last = 0
        self._due = 0.0
        self.changed = True
        """Workers came, went or were bound since the last `upkeep`."""
        self._not_before = 0.0
        self._leaving: list[Template] = []
        self._failures: dict[Interpreter, tuple[str, float]] = {}

    def spare(self, interpreter: Interpreter, taken: Collection[int] = ()) -> Worker | None:
        """A worker of this interpreter that nobody has used."""
        template = self.interpreters.templates.get(interpreter)
        for number in template.workers if template is not None else ():
            worker = self.workers.get(number)
            if worker is not None and not worker.bound and not worker.doomed and number not in taken:
                return worker
        return None

    def hire(self, environment: Environment, taken: Collection[int]) -> Worker | None:
        """A spare that is not in `taken`, or a new worker; None: it cannot be made just now."""
        interpreter = self.interpreters.choose(environment)
        return self.spare(interpreter, taken) or self._hire(interpreter)

    def failure(self, environment: Environment) -> str:
        """Why the interpreter of an environment could not be started just now; '' if it was not tried or runs."""
        text, until = self._failures.get(self.interpreters.choose(environment), ("", 0.0))
        return text if time.monotonic() < until else ""

    def _hire(self, interpreter: Interpreter) -> Worker | None:
        now = time.monotonic()
        if now < self._not_before or now < self._failures.get(interpreter, ("", 0.0))[1]:
            return None
        try:
            template = self.interpreters.template(interpreter)
        except (OSError, ValueError) as error:  # ValueError: variables that no process can have
            self._failed(interpreter, f"The interpreter {interpreter.executable} cannot be started: {error}")
            return None
        try:
            self._last += 1
            worker = Worker(self._last, template, self._wake, self._watch)
        except OSError:
            self._not_before = now + RETRY_SECONDS
            return None
        self.workers[worker.number] = worker
        self._hired(worker)
        return worker

    def _failed(self, interpreter: Interpreter, why: str) -> None:
        self._failures[interpreter] = why, time.monotonic() + FAILED_SECONDS

    def retire(self, worker: Worker) -> None:
        """Ask an idle worker to exit."""
        self.changed = True
        if not worker.doomed:
            worker.doomed = True
            worker.doom_deadline = time.monotonic() + EXIT_SECONDS
            worker.tell("exit")

    def doom(self, worker: Worker) -> None:
        """Kill a worker and all its descendants."""
        worker.doomed = True
        worker.doom_deadline = None
        worker.template.kill(worker.number)

    def make_room(self, bound_now: Worker) -> None:
        """After a worker was bound: an idle one of another account or environment goes if there are more than slots."""
        self.changed = True
        bound = [w for w in self.workers.values() if w.bound and not w.doomed]
        if len(bound) > self._slots:
            mine = (bound_now.account, bound_now.environment)
            idle = [w for w in bound if not w.taken and (w.account, w.environment) != mine]
            if idle:
                self.retire(min(idle, key=lambda w: w.idle_since))

    def upkeep(self, now: float) -> None:
        """One warm spare per template, no idle worker for ever, no template for nothing. Cheap when nothing changed."""
        if now < self._due and not self.changed:
            return
        self.changed = False
        self._due = now + UPKEEP_SECONDS
        self._leaving = [template for template in self._leaving if not template.ended]
        alive = [w for w in self.workers.values() if not w.doomed]
        surplus = sum(w.bound for w in alive) - self._slots
        for worker in alive:
            if surplus > 0 and worker.bound and not worker.busy and now - worker.idle_since > IDLE_WORKER_SECONDS:
                surplus -= 1
                self.retire(worker)
        for worker in list(self.workers.values()):
            if worker.doom_deadline is not None:
                if now >= worker.doom_deadline:
                    self.doom(worker)
                else:
                    self._due = min(self._due, worker.doom_deadline)
        own = self.interpreters.own
        for interpreter, template in list(self.interpreters.templates.items()):
            if any(self.workers[n].busy for n in template.workers if n in self.workers) or interpreter == own:
                template.idle_since = None
            elif template.idle_since is None:
                template.idle_since = now
            elif now - template.idle_since > IDLE_TEMPLATE_SECONDS:
                self._let_go(template, Death(None))
                continue
            if self.spare(interpreter) is None and self._hire(interpreter) is None:
                self.changed = True  # try again
        if own not in self.interpreters.templates:
            self._hire(own)
            self.changed = True

    def next_deadline(self) -> float | None:
        """When `upkeep` has something to do."""
        times: list[float] = []
        idle: list[float] = []
        bound = 0
        for worker in self.workers.values():
            if worker.doom_deadline is not None:
                times.append(worker.doom_deadline)
            if worker.account is not None and not worker.doomed:
                bound += 1
                if not worker.batches:
                    idle.append(worker.idle_since)
        if idle and bound > self._slots:
            times.append(min(idle) + IDLE_WORKER_SECONDS)
        times += [t.idle_since + IDLE_TEMPLATE_SECONDS for t in self.interpreters.templates.values() if t.idle_since]
        if self._not_before > time.monotonic():
            times.append(self._not_before)
        return min(times, default=None)

    def close(self) -> None:
        """Kill everything and wait until it is gone."""
        templates = [*self.interpreters.templates.values(), *self._leaving]
        for template in templates:
            template.close()
        for worker in self.workers.values():
            worker.close()
        self.workers.clear()
        self.interpreters.templates.clear()
        for template in templates:
            template.wait(5.0)

    def _template_started(self, template: Template) -> None:
        self._watch.add(template.fileno(), lambda: self._hear(template))

    def _hear(self, template: Template) -> None:
        news = template.news()
        if news is None:
            why = template.failure or template.last_words() or "it ended at once"
            failure = "" if template.ready else f"The interpreter {template.executable} cannot run jobs: {why}"
            self._let_go(template, Death(None, start_failure=failure))
            return
        for item in news:
            worker = self.workers.get(item.worker)
            if worker is None:
                continue
            if isinstance(item, Forked):
                worker.pid = item.pid
            elif isinstance(item, Signalled):
                worker.signalled = True
            elif isinstance(item, Exited):
                if item.status == -1:
                    self._not_before = time.monotonic() + RETRY_SECONDS
                self._bury(worker, Death(item.status, item.by_us))

    def _let_go(self, template: Template, death: Death) -> None:
        interpreter = self.interpreters.forget(template)
        if death.start_failure and interpreter is not None:
            self._failed(interpreter, death.start_failure)
        self._watch.remove(template.fileno())
        for number in list(template.workers):
            if number in self.workers:
                self._bury(self.workers[number], death)
        template.close()
        self._leaving.append(template)

    def _bury(self, worker: Worker, death: Death) -> None:
        if not worker.bound and not worker.doomed:
            self._not_before = time.monotonic() + RETRY_SECONDS  # a spare: do not make one after another
        self._died(worker, death)
        for fd in (worker.work.fileno(), worker.api.fileno(), worker.out.fd, worker.err.fd):
            self._watch.remove(fd)
        self.changed = True
        del self.workers[worker.number]
        worker.close()


def wake_up() -> int:
    """A descriptor that all workers of an agent write to."""
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def quiet(fd: int) -> None:
    """Read it empty."""
    try:
        os.eventfd_read(fd)
    except BlockingIOError:
        pass  # somebody did
