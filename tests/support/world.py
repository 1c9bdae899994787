"""A core on a real store with an engine and a clock that do what the test says."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from cloud.api import NewChunk, Part
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.jobs import Jobs
from cloud.dispatch.lease import LEASE_DURATION
from cloud.dispatch.ports import Store
from cloud.model import Environment, Ranges, Spec, Status
from cloud.pickling import dump_function, pack_map
from cloud.stores.blobs import MemoryBlobs
from cloud.testing import ManualClock, ScriptedEngine
from tests.support.stores import maker

DIGEST, FUNCTION = dump_function(len)


def spec(**changes: Any) -> Spec:
    """A plain spec with these changes."""
    plain: dict[str, Any] = {
        "kind": "map", "function": DIGEST, "function_name": "f", "environment": Environment("cpython-311"),
    }  # fmt: skip
    return Spec(**(plain | changes))


class World:
    """One account's jobs, with everything around them in reach."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        slots: int = 2,
        jobs_per_seat: int = 1,
        open_store: Callable[[], Store] | None = None,
        sole: bool = True,
    ) -> None:
        self.open_store = open_store or maker(path or ":memory:")
        self.sole = sole
        self.clock = ManualClock()
        self.blobs = MemoryBlobs()
        self.slots, self.jobs_per_seat = slots, jobs_per_seat
        self._tokens = count()
        self.start()

    def start(self) -> None:
        """A dispatcher begins, on whatever the store remembers."""
        self.store: Any = self.open_store()
        self.engine = ScriptedEngine(self.slots, self.jobs_per_seat)
        self.dispatcher = Dispatcher(self.store, self.blobs, self.engine, self.clock, sole=self.sole)
        self.jobs = Jobs(self.dispatcher, 1)

    def crash(self) -> None:
        """The process is gone, and with it all that runs; another begins on the same file."""
        self.stop()
        self.start()

    def lapse(self) -> None:
        """The dispatcher hangs past its lease; another takes over, and then the first delivers what it ran."""
        hung, its_engine = self.dispatcher, self.engine
        self.clock.advance(60)
        self.engine = ScriptedEngine(self.slots, self.jobs_per_seat)
        self.dispatcher = Dispatcher(self.store, self.blobs, self.engine, self.clock, sole=False)
        self.jobs = Jobs(self.dispatcher, 1)
        for _ in range(2):  # it gives others time to renew their leases
            self.clock.advance(LEASE_DURATION.total_seconds() / 2)
            self.tick()
        its_engine.slots = 0
        its_engine.finish_all()
        hung.tick()
        its_engine.close()

    def stop(self) -> None:
        """Let go of everything."""
        self.store.close()
        self.engine.close()

    def map(self, n: int, *, account: int = 1, token: str | None = None, **changes: Any) -> range:
        """Submit n jobs in one part."""
        chunk = NewChunk(0, n, pack_map([(i,) for i in range(n)]))
        part = Part(token or f"t{next(self._tokens)}", spec(**changes), [FUNCTION], [chunk], n)
        jids = Jobs(self.dispatcher, account).submit(part).jids
        assert jids is not None
        return jids

    def tick(self) -> None:
        """One pass of the dispatcher."""
        self.dispatcher.tick()

    def run_all(self) -> None:
        """Ticks until nothing runs and nothing is ready."""
        while self.engine.left:
            self.engine.finish_all()
            self.tick()

    def status(self, *jids: range) -> list[str]:
        """Statuses as words."""
        ranges: Ranges = jids
        return [Status(code).word for code in self.jobs.status(ranges)]

    def cids(self) -> list[int]:
        """Claims that run, in order of their jobs."""
        return sorted(self.engine.running, key=lambda c: (self.engine.running[c].claim.sid, min(self.engine.left[c])))
