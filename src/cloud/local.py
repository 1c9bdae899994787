"""Composes a core in this process: store, blobs, engine, dispatcher, and the thread that drives it if one is wanted."""

import contextlib
import logging
import os
import select
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cloud.api import Ended, Part, Receipt
from cloud.client.fresh import Fresh
from cloud.dispatch.clock import SystemClock
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.door import Door
from cloud.dispatch.files import Files
from cloud.dispatch.jobs import INTERPRETERS, Jobs
from cloud.dispatch.outputs import OutputFiles
from cloud.dispatch.ports import Blobs, Engine, Reply, Store
from cloud.dispatch.retention import Limits, Retention
from cloud.dispatch.tokens import JobTokens
from cloud.dispatch.undisturbed import Undisturbed
from cloud.engines.local import LocalEngine
from cloud.errors import CloudException
from cloud.model import Ranges
from cloud.stores.blobs import FolderBlobs, MemoryBlobs
from cloud.stores.sqlite import SQLiteStore
from cloud.wire import calls

log = logging.getLogger("Cloud.local")

FIRST_ACCOUNT = 1
AFTER_A_FAULT_SECONDS = 1.0


class Core:
    """Everything behind the door of one process.

    Args:
        folder: where the state lives (`jobs.db` and `blobs/`); None: in memory.
        slots: number of jobs that run at once; 0: one per core of the machine.
        pipes: whether jobs reach this core through their workers' pipes (cloud.mp), not over HTTP.
        limits: what is forgotten when.
        lock_fd: an open, locked file that the worker processes keep open until they are gone (DESIGN D11).
        server_url: told to jobs, so that they find their own server.
        variables: what else jobs find in their environment.
        engine: makes another engine than the local one.
        store: another store than SQLite's; one that has signals is shared with other processes.
        blobs: another place for them than `folder`.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        slots: int = 0,
        pipes: bool = False,
        limits: Limits | None = None,
        lock_fd: int | None = None,
        server_url: str = "",
        variables: Mapping[str, str] | None = None,
        engine: Callable[[Blobs], Engine] | None = None,
        store: Store | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        self.slots = slots or os.cpu_count() or 1
        self.store: Store = store or SQLiteStore(":memory:" if folder is None else folder / "jobs.db")
        self.blobs: Blobs = blobs or (MemoryBlobs() if folder is None else FolderBlobs(folder / "blobs"))
        told = {**(variables or {}), **({"PICLOUD_URL": server_url} if server_url else {})}
        self.engine: Engine = (
            engine(self.blobs)
            if engine is not None
            else LocalEngine(
                slots=self.slots,
                blobs=self.blobs,
                on_request=self._on_request if pipes else None,
                lock_fd=lock_fd,
                variables=told or None,
            )
        )
        name = f"{socket.gethostname()}:{os.getpid()}"
        sole = self.store.signals is None
        self.dispatcher = Dispatcher(self.store, self.blobs, self.engine, SystemClock(), name=name, sole=sole)
        self.dispatcher.tokens.wanted = not pipes
        self.door = Door(self.dispatcher)
        self.retention = Retention(self.dispatcher, limits or Limits())
        self._closed = False
        for name, executable in self.store.facts(INTERPRETERS).items():
            self.engine.add_interpreter(name.removeprefix(INTERPRETERS), executable)

    @property
    def tokens(self) -> JobTokens:
        """Which job tokens are good for which account."""
        return self.dispatcher.tokens

    def jobs(self, account: int = FIRST_ACCOUNT) -> Jobs:
        """The JobApi of an account."""
        return Jobs(self.dispatcher, account)

    def files(self, account: int = FIRST_ACCOUNT) -> Files:
        """The FilesApi of an account."""
        return Files(self.dispatcher, account)

    def tick(self) -> float:
        """One pass over everything; never waits. Returns the monotonic time of the next one at the latest."""
        with self.dispatcher.lock:
            self.dispatcher.tick()
            self.door.flush()
            self.door.expire()
            self.retention.work()
            return self.next_deadline()

    def next_deadline(self) -> float:
        """Monotonic time at which `tick` wants to be called at the latest."""
        due = self.retention.due
        for other in (self.door.next_deadline(), self.dispatcher.next_deadline()):
            if other is not None and other < due:
                due = other
        return due

    def close(self) -> None:
        """Kill the workers and close the store. Jobs that ran are found lost by the next owner of the store."""
        with self.dispatcher.lock:
            if self._closed:
                return
            self._closed = True
            self.dispatcher.close()
            self.engine.abandon()
            self.dispatcher.resign()
            self.store.close()
            self.blobs.close()

    def _on_request(self, request: bytes, account: int, parent_jid: int, reply: Reply) -> None:
        try:
            self.door.ask(request, account, parent_jid, reply)
        except Exception as error:  # a fault of ours: the job must not wait for ever because of it
            log.exception("a fault while a job's question was answered")
            reply(calls.failed(CloudException(f"a fault in the cloud of this job: {error!r}")))


class CoreThread:
    """Drives a core from a daemon thread, for a program that has its own main loop (cloud.mp)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_w, False)
        self._armed = 0.0
        self._stopping = self._ended = self._listens = False
        core.dispatcher.rearm = self._rearm
        core.dispatcher.listen = self._listen
        self._epoll = select.epoll()
        self._epoll.register(self._wake_r, select.EPOLLIN)
        self._engine_fd = core.engine.fileno()
        self._epoll.register(self._engine_fd, 0)
        self._listen(True)
        self._thread = threading.Thread(target=self._run, name="picloud", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the core."""
        self._stopping = True
        with self._core.dispatcher.lock:
            self._wake()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._core.close()

    def _rearm(self) -> None:
        """A step outside the thread may have brought a deadline nearer than the thread knows, or taken in what jobs
        asked."""
        core = self._core
        if core.door.wants_flush or (not core.dispatcher.ended_early and core.next_deadline() < self._armed):
            self._wake()

    def _listen(self, wanted: bool) -> None:
        """Whether the thread is to hear of the engine. A caller who waits for it inside a step (`EarlyStart`) is spared
        a thread that wakes with it only to find the lock taken."""
        if wanted is not self._listens:
            self._listens = wanted
            self._epoll.modify(self._engine_fd, select.EPOLLIN if wanted else 0)

    def _wake(self) -> None:
        """Under the lock."""
        with contextlib.suppress(BlockingIOError):  # it is being woken already
            if not self._ended:
                os.write(self._wake_w, b"!")

    def _end(self) -> None:
        """Steps of callers find nothing of ours any more; a descriptor of ours may soon be a file of theirs."""
        dispatcher = self._core.dispatcher
        with dispatcher.lock:
            self._ended = True
            dispatcher.rearm, dispatcher.listen = lambda: None, lambda _: None
            self._epoll.close()
            os.close(self._wake_r)
            os.close(self._wake_w)

    def _run(self) -> None:
        core = self._core
        clock = core.dispatcher.clock
        while not self._stopping:
            try:
                with core.dispatcher.lock:  # no step comes between the deadline and its being known
                    self._armed = core.tick()
                    self._listen(True)
            except Exception:
                log.exception("a pass of the dispatcher failed; going on")
                with core.dispatcher.lock:
                    self._armed = clock.monotonic() + AFTER_A_FAULT_SECONDS
                    self._listen(False)  # what woke us may still be there
            woken = False
            while not (woken or clock.monotonic() >= self._armed):
                for fd, _ in self._epoll.poll(max(0.0, self._armed - clock.monotonic())):
                    woken = True
                    if fd == self._wake_r:
                        os.read(self._wake_r, 4096)
        self._end()


class Pool(Jobs):
    """A core of this process and the thread that drives it, as a JobApi: `cloud.mp`, the simulator.

    Args:
        slots: number of worker processes; 0: one per core of the machine.
        most_jobs: so many finished jobs are kept (SPEC S55); 0: all.
        variables: what jobs find in their environment.
        first_jid: the number of its first job.
    """

    def __init__(
        self, slots: int, most_jobs: int = 0, variables: Mapping[str, str] | None = None, *, first_jid: int = 1
    ) -> None:
        self.store: SQLiteStore = SQLiteStore(":memory:", first_jid=first_jid)
        limits = Limits(max_jobs=most_jobs or None)
        self.core = Core(slots=slots, pipes=True, limits=limits, variables=variables, store=self.store)
        self.core.dispatcher.lock = Undisturbed()
        self.core.dispatcher.arrivals.on_finish = OutputFiles(self.core.store)
        super().__init__(self.core.dispatcher, FIRST_ACCOUNT)
        self._fresh = Fresh()
        self._thread = CoreThread(self.core)

    def submit(self, part: Part, parent_jid: int | None = None) -> Receipt:
        """See `JobApi.submit`; how a lone short job ended is kept for who asks in a moment."""
        with self.core.dispatcher.lock:
            receipt = super().submit(part, parent_jid)
            ended = self.ended_early(receipt)
        if ended is not None:
            self._fresh.put(ended)
        return receipt

    def outcomes(
        self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float = 0.0, max_bytes: int = 8 << 20
    ) -> list[Ended]:
        """See `JobApi.outcomes`."""
        if (fresh := self._fresh.take(jids)) is not None:
            return [fresh]
        return super().outcomes(
            jids, timeout_seconds=timeout_seconds, linger_seconds=linger_seconds, max_bytes=max_bytes
        )

    def delete(self, jids: Ranges) -> None:
        """See `JobApi.delete`."""
        self._fresh.clear()
        super().delete(jids)

    def close(self) -> None:
        """End the thread and all workers; jobs and results are forgotten."""
        self._thread.stop()
