"""`cloud.start_simulator()`: `cloud` on worker processes of this program, with settings of its own (SPEC A.14).

What a server would refuse is refused, everything that is pickled is logged, and nothing leaves the program. With the
option `simulator_inline` a job runs inside `cloud.call` or `cloud.map` itself, in the caller's thread, so that
`breakpoint()`, a debugger's breakpoints and an exception's frames are where the user is.
"""

import atexit
import logging
import warnings
from typing import Any

from cloud.api import Ended, JobApi, OutputPiece, Part, Receipt, Waited
from cloud.client import sessions
from cloud.client.code.elsewhere import Elsewhere, SimulationWarning
from cloud.client.code.whitelist import WHITELIST
from cloud.client.inside import inside_channel
from cloud.client.reserved import _users_level
from cloud.client.session import Session
from cloud.config import setting
from cloud.dispatch.jobs import Jobs
from cloud.dispatch.outputs import OutputFiles
from cloud.dispatch.ports import Blobs
from cloud.dispatch.retention import Limits
from cloud.dispatch.undisturbed import Undisturbed
from cloud.engines.alarm import obstacle
from cloud.engines.inline import InlineEngine
from cloud.local import FIRST_ACCOUNT, Core, Pool
from cloud.model import Ranges

__all__ = ["start_simulator"]

log = logging.getLogger("Cloud.simulator")

SIMULATED = {"PICLOUD_SIMULATED": "1"}
"""In the environment of jobs: their `cloud` is the simulator, too."""


def start_simulator(force_restart: bool = False) -> None:
    """Let `cloud` be the simulator from now on; `cloud.setkey` leaves it. Whatever `cloud` was is closed, and
    `cloud.set_dependency_whitelist` taken back.

    With `force_restart`, a simulator that runs already begins afresh and forgets its jobs. Inside a job, and after
    `cloud.setkey(..., immutable=True)`, nothing happens.
    """
    if inside_channel() is not None or sessions.is_immutable():
        log.info("cloud.start_simulator has no effect here")
        return
    if sessions.active() is _session and not force_restart:
        return
    WHITELIST.set(None)
    _session.close()
    sessions.switch(_session)
    log.info("cloud is the simulator from now on")


class SimulatorPool(Pool):
    """Worker processes, and a look at what would go wrong elsewhere."""

    def __init__(self, slots: int, most_jobs: int) -> None:
        super().__init__(slots, most_jobs, SIMULATED)
        self._elsewhere = Elsewhere()

    def submit(self, part: Part, parent_jid: int | None = None) -> Receipt:
        """See `JobApi.submit`."""
        self._elsewhere.look(part)
        return super().submit(part, parent_jid)


class InlinePool(Jobs):
    """A core whose jobs run in the thread that submits them or waits for them.

    Outside a job, `submit` returns when everything that can run has run. Inside a job, what is submitted runs when
    the job waits for it, or when it is over, as on a server with one worker.
    """

    def __init__(self, most_jobs: int = 0) -> None:
        self._engine: InlineEngine
        self._core = Core(slots=1, limits=Limits(max_jobs=most_jobs or None), engine=self._make)
        self._core.dispatcher.lock = Undisturbed()
        self._core.dispatcher.arrivals.on_finish = OutputFiles(self._core.store)
        super().__init__(self._core.dispatcher, FIRST_ACCOUNT)
        self._elsewhere = Elsewhere()

    def _make(self, blobs: Blobs) -> InlineEngine:
        self._engine = InlineEngine(blobs)
        return self._engine

    def submit(self, part: Part, parent_jid: int | None = None) -> Receipt:
        """See `JobApi.submit`; `KeyboardInterrupt` if the user interrupts a job, which is then `killed`."""
        self._elsewhere.look(part)
        spec = part.spec
        if spec is not None and spec.max_runtime_seconds is not None and (why := obstacle()):
            text = f"_max_runtime does not limit this job, which runs inline: {why}"
            warnings.warn(text, SimulationWarning, stacklevel=_users_level())
        receipt = super().submit(part, self._engine.jid() if parent_jid is None else parent_jid)
        self._run()
        return receipt

    def wait(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> Waited:
        """See `JobApi.wait`."""
        self._run_for(jids)
        return super().wait(jids, timeout_seconds=timeout_seconds, stop_on_failure=stop_on_failure)

    def outcomes(
        self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float = 0.0, max_bytes: int = 8 << 20
    ) -> list[Ended]:
        """See `JobApi.outcomes`."""
        self._run_for(jids)
        return super().outcomes(
            jids, timeout_seconds=timeout_seconds, linger_seconds=linger_seconds, max_bytes=max_bytes
        )

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        """See `JobApi.output`."""
        if timeout_seconds != 0:
            self._run_for((range(jid, jid + 1),))
        return super().output(jid, stream, start=start, attempt=attempt, timeout_seconds=timeout_seconds)

    def rerun(self, jids: Ranges, *, token: str) -> Ranges:
        """See `JobApi.rerun`."""
        again = super().rerun(jids, token=token)
        self._run()
        return again

    def close(self) -> None:
        """Forget everything."""
        self._core.close()

    def _run_for(self, jids: Ranges) -> None:
        if self._engine.jid() is None:
            self._run()
            return
        with self._engine.lent_for(jids):
            self._run()

    def _run(self) -> None:
        """What may run now, one job after another; the lock is free while a job runs."""
        interrupt: BaseException | None = None
        while True:
            with self._core.dispatcher.lock:
                self._engine.open = interrupt is None
                self._core.tick()
                self._engine.open = False
                work = self._engine.take()
            if interrupt is not None:
                raise interrupt  # what did not begin stays queued until somebody waits for it
            if work is None:
                return
            interrupt = self._engine.run(work)


def _open() -> JobApi:
    channel = inside_channel()
    if channel is not None and channel.serves:
        from cloud.client.pipe import PipeApi

        return PipeApi()
    most_jobs = setting("simulator_cache_size_limit")
    if setting("simulator_inline"):
        log.info("opened, inline")
        return InlinePool(most_jobs)
    pool = SimulatorPool(setting("simulator_num_procs"), most_jobs)
    log.info("opened, with %d worker processes", pool.core.slots)
    return pool


def _about(api: JobApi | None) -> dict[str, Any]:
    inline = setting("simulator_inline")
    slots = api.describe()["slots"] if api is not None else 1 if inline else setting("simulator_num_procs")
    return {"connection_type": "simulation", "server_url": None, "api_key": None, "num_procs": slots, "inline": inline}


_session = Session(_open, "simulated", about=_about)
sessions.register("simulated", lambda: _session)
atexit.register(_session.close)
