"""Store and dispatcher against a plain dictionary: submit, depend, claim, finish, fail, kill, lose, delete, restart.

The number of steps grows with PICLOUD_MACHINE_EXAMPLES (100 steps each); the default is quick.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud.dispatch.lifecycle import MAX_LOSSES
from cloud.errors import InvalidSubmission, JobNotFound
from cloud.model import Status
from cloud.model.ranges import pack
from tests.support.world import World

FINISHED = {"done", "error", "killed", "stalled"}


@dataclass
class Model:
    """What one job should be. `open` stands for queued or processing: which, is the dispatcher's choice."""

    state: str
    restartable: bool
    behind: frozenset[int]
    strict: bool
    losses: int = 0


class JobsMachine(RuleBasedStateMachine):
    """The dictionary and the world must tell the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "jobs.db", slots=3, jobs_per_seat=4)
        self.model: dict[int, Model] = {}
        self.maps: dict[int, range] = {}

    def teardown(self) -> None:
        self.world.stop()
        self.folder.cleanup()

    # --- the reference

    def existing(self) -> list[int]:
        return [j for j, m in self.model.items() if m.state != "deleted"]

    def settle(self) -> None:
        """Barriers, until nothing changes."""
        moved = True
        while moved:
            moved = False
            for job in self.model.values():
                if job.state != "waiting":
                    continue
                states = {self.model[j].state for j in job.behind}
                if job.strict and states & {"error", "killed", "stalled"}:
                    job.state, moved = "stalled", True
                elif states <= FINISHED | {"deleted"}:
                    job.state, moved = "open", True

    def lose_one(self, jid: int) -> None:
        job = self.model[jid]
        job.losses += 1
        if not job.restartable or job.losses > MAX_LOSSES:
            job.state = "error"

    def jids_of(self, cid: int) -> list[int]:
        first = self.world.engine.running[cid].submission.jids.start
        return [first + index for index in sorted(self.world.engine.left[cid])]

    def run_of(self, cid: int) -> tuple[int, int]:
        """The first indices of a claim without a hole between them."""
        left = self.world.engine.left[cid]
        lo = hi = min(left)
        while hi in left:
            hi += 1
        return lo, hi

    # --- what may happen

    @rule(n=st.integers(1, 12), data=st.data(), strict=st.booleans(), restartable=st.booleans(),
          priority=st.integers(1, 3))  # fmt: skip
    def submit(self, n: int, data: st.DataObject, strict: bool, restartable: bool, priority: int) -> None:
        """A map, perhaps behind some of the jobs there are."""
        known = self.existing()
        behind = data.draw(st.lists(st.sampled_from(known), max_size=4)) if known else []
        jids = self.world.map(
            n, depends_on=tuple(range(j, j + 1) for j in behind), restartable=restartable, priority=priority,
            depends_on_errors="abort" if strict else "ignore",
        )  # fmt: skip
        for jid in jids:
            self.model[jid] = Model("waiting", restartable, frozenset(behind), strict)
        self.settle()

    @precondition(lambda self: self.world.engine.left)
    @rule(data=st.data(), status=st.sampled_from([Status.DONE, Status.DONE, Status.DONE, Status.ERROR]))
    def finish(self, data: st.DataObject, status: Status) -> None:
        """The first few jobs of a claim end."""
        cid = data.draw(st.sampled_from(self.world.cids()))
        lo, hi = self.run_of(cid)
        n = data.draw(st.integers(1, hi - lo))
        done = self.jids_of(cid)[:n]
        self.world.engine.finish(cid, lo, lo + n, status)
        self.world.tick()
        for jid in done:
            self.model[jid].state = status.word
        self.settle()

    @precondition(lambda self: self.world.engine.left)
    @rule(data=st.data())
    def lose_the_first_and_return_the_rest(self, data: st.DataObject) -> None:
        """A worker dies from outside."""
        cid = data.draw(st.sampled_from(self.world.cids()))
        jids = self.jids_of(cid)
        lo, hi = self.run_of(cid)
        if hi - lo > 1:
            self.world.engine.return_(cid, lo + 1, hi)
        self.world.engine.lose(cid, lo, lo + 1)
        self.world.tick()
        self.lose_one(jids[0])
        self.settle()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Any range of jobs."""
        known = self.existing()
        if not known:
            return
        chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6))
        self.world.jobs.kill(tuple(range(j, j + 1) for j in chosen))
        for jid in chosen:
            if self.model[jid].state in ("waiting", "open"):
                self.model[jid].state = "killed"
        self.settle()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Finished jobs go, unfinished ones are refused and nothing goes."""
        known = self.existing()
        if not known:
            return
        chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6))
        ranges = tuple(range(j, j + 1) for j in chosen)
        if all(self.model[j].state in FINISHED for j in chosen):
            self.world.jobs.delete(ranges)
            for jid in chosen:
                self.model[jid].state = "deleted"
                with pytest.raises(JobNotFound):
                    self.world.status(range(jid, jid + 1))
        else:
            with pytest.raises(InvalidSubmission):
                self.world.jobs.delete(ranges)

    @rule(lapse=st.booleans())
    def crash(self, lapse: bool) -> None:
        """The server is killed and starts again, or hangs and is replaced: what ran was lost, late outcomes too."""
        for cid in self.world.cids():
            work = self.world.engine.running[cid]
            for index in self.world.engine.left[cid]:
                self.lose_one(work.submission.jids.start + index)
        if lapse:
            self.world.lapse()
        else:
            self.world.crash()
        self.settle()

    # --- what must hold

    @invariant()
    def the_world_is_what_the_dictionary_says(self) -> None:
        """Every status; and no seat is empty while a job is ready."""
        running = {jid for cid in self.world.cids() for jid in self.jids_of(cid)}
        known = self.existing()
        seen = dict(zip(known, self.world.status(*pack(known)), strict=True))
        queued = False
        for jid, word in seen.items():
            job = self.model[jid]
            expected = job.state
            if expected == "open":
                expected = "processing" if jid in running else "queued"
                queued = queued or expected == "queued"
            assert word == expected, (jid, job)
        assert not queued or len(self.world.engine.running) == self.world.engine.slots


EXAMPLES = int(os.environ.get("PICLOUD_MACHINE_EXAMPLES", "12"))
TestJobs = JobsMachine.TestCase
TestJobs.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck)
)
