"""The store against a plain dictionary: submit, seal, claim, finish, give back, settle, delete, barriers, reopen.

The number of steps grows with PICLOUD_MACHINE_EXAMPLES (100 steps each); the default is quick.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud.dispatch.ports import Store
from cloud.model import BlobRef, Chunk, Outcomes, Status, Stretch, Submission
from tests.support.stores import NOW, ended, later, maker, places, results, spec, whole

ENDS = [Status.DONE, Status.ERROR, Status.KILLED]


class Undone(Exception):
    """Raised to roll back."""


@dataclass
class Model:
    """One sealed submission; `jobs` says of each job what `places` says, `results` what it returned."""

    submission: Submission
    jobs: list[Any]
    results: dict[int, bytes] = field(default_factory=dict)
    blobs: dict[int, str] = field(default_factory=dict)
    barrier: list[Stretch] = field(default_factory=list)

    def runs(self, wanted: Callable[[Any], bool]) -> list[tuple[int, int]]:
        """Maximal ranges of jobs in equal places, for wanted places."""
        found: list[tuple[int, int]] = []
        for i, job in enumerate(self.jobs):
            if not wanted(job):
                continue
            if found and found[-1][1] == i and self.jobs[i - 1] == job:
                found[-1] = found[-1][0], i + 1
            else:
                found.append((i, i + 1))
        return found


def is_ready(job: Any) -> bool:
    return job is not None and job[0] == "pending" and job[2]


def is_waiting(job: Any) -> bool:
    return job is not None and job[0] == "pending" and not job[2]


def is_claimed(job: Any) -> bool:
    return job is not None and job[0] == "claim"


def is_over(job: Any) -> bool:
    return job is None or isinstance(job[0], Status)


class StoreMachine(RuleBasedStateMachine):
    """The dictionary and the store must tell the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.open_store = maker(Path(self.folder.name) / "jobs.db")
        self.store: Store = self.open_store()
        self.models: dict[int, Model] = {}
        self.unsealed: dict[int, tuple[str, int]] = {}
        self.number = 0
        self.next_jid = 1
        self.cids: set[int] = set()
        self.retired: list[tuple[int, Outcomes]] = []

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def pick(self, data: st.DataObject, wanted: Callable[[Any], bool]) -> tuple[Model, int, int]:
        """Part of a run of jobs."""
        runs = [(m, lo, hi) for m in self.models.values() for lo, hi in m.runs(wanted)]
        model, lo, hi = data.draw(st.sampled_from(runs))
        start = data.draw(st.integers(lo, hi - 1))
        return model, start, data.draw(st.integers(start + 1, hi))

    def any_job(self, wanted: Callable[[Any], bool]) -> bool:
        return any(wanted(job) for m in self.models.values() for job in m.jobs)

    # --- in

    @precondition(lambda self: len(self.models) + len(self.unsealed) < 7)
    @rule(jobs=st.integers(1, 30), account=st.integers(1, 3), priority=st.integers(-1, 1))
    def add(self, jobs: int, account: int, priority: int) -> None:
        self.number += 1
        token = f"t{self.number}"
        digest = f"f{self.number % 3}"
        with self.store.transaction():
            self.store.add_function(digest, BlobRef(f"functions/{digest}", 1))
            wanted = spec(function=digest, priority=priority)
            sid = self.store.add_submission(account, token, wanted, later(self.number)).sid
            assert sid not in self.models
            self.store.add_chunk(sid, Chunk(0, jobs, b"packed"), later(self.number))
        self.unsealed[sid] = token, jobs

    @precondition(lambda self: self.unsealed)
    @rule(data=st.data(), ready=st.booleans())
    def seal(self, data: st.DataObject, ready: bool) -> None:
        sid = data.draw(st.sampled_from(sorted(self.unsealed)))
        _, jobs = self.unsealed.pop(sid)
        barrier = []
        if not ready and self.models:
            for parent in data.draw(st.lists(st.sampled_from(sorted(self.models)), max_size=3, unique=True)):
                lo = data.draw(st.integers(0, len(self.models[parent].jobs) - 1))
                barrier.append(Stretch(parent, lo, data.draw(st.integers(lo + 1, len(self.models[parent].jobs)))))
        with self.store.transaction():
            if barrier:
                self.store.add_barrier(sid, barrier)
            submission = self.store.seal(sid, jobs, ready=ready)
        assert submission.jids == range(self.next_jid, self.next_jid + jobs)
        self.next_jid += jobs
        barrier.sort(key=lambda s: self.models[s.sid].submission.jids.start + s.lo)
        self.models[sid] = Model(submission, [("pending", 0, ready)] * jobs, barrier=barrier)

    @precondition(lambda self: self.unsealed)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        sid = data.draw(st.sampled_from(sorted(self.unsealed)))
        del self.unsealed[sid]
        with self.store.transaction():
            self.store.drop_unsealed(sid)

    @precondition(lambda self: self.any_job(is_waiting))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        model, _, _ = self.pick(data, is_waiting)
        with self.store.transaction():
            self.store.release(model.submission.sid)
        model.jobs = [(*job[:2], True) if is_waiting(job) else job for job in model.jobs]

    # --- moves

    @precondition(lambda self: self.any_job(is_ready))
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        model, lo, hi = self.pick(data, is_ready)
        with self.store.transaction():
            claim = self.store.claim(model.submission.sid, lo, hi, dispatcher=1, agent="a")
        assert claim.cid not in self.cids
        self.cids.add(claim.cid)
        assert claim.attempt == model.jobs[lo][1] + 1
        model.jobs[lo:hi] = [("claim", claim.cid, claim.attempt)] * (hi - lo)

    @precondition(lambda self: self.any_job(is_claimed))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        model, lo, hi = self.pick(data, is_claimed)
        _, cid, attempt = model.jobs[lo]
        sid, n = model.submission.sid, hi - lo
        statuses = data.draw(st.lists(st.sampled_from(ENDS), min_size=n, max_size=n))
        returned = data.draw(st.lists(st.binary(max_size=3), min_size=n, max_size=n))
        blobs = {i: BlobRef(f"results/{sid}/{i}-{attempt}", 9) for i in range(lo, hi) if returned[i - lo] == b""}
        outcomes = ended(sid, lo, hi, attempt=attempt, statuses=statuses, result=returned, blobs=blobs)
        with self.store.transaction():
            assert self.store.finish(cid, outcomes)
            assert not self.store.finish(cid, outcomes)
        self.retired.append((cid, outcomes))
        model.jobs[lo:hi] = [(status, attempt) for status in statuses]
        model.results.update(zip(range(lo, hi), returned, strict=True))
        model.blobs.update((i, ref.name) for i, ref in blobs.items())

    @precondition(lambda self: self.any_job(is_claimed))
    @rule(data=st.data(), lost=st.sampled_from([None, "gone"]))
    def give_back(self, data: st.DataObject, lost: str | None) -> None:
        model, lo, hi = self.pick(data, is_claimed)
        _, cid, attempt = model.jobs[lo]
        with self.store.transaction():
            assert self.store.give_back(cid, lo, hi, lost=lost, at=NOW)
            assert not self.store.give_back(cid, lo, hi)
        self.retired.append((cid, ended(model.submission.sid, lo, hi, attempt=attempt)))
        model.jobs[lo:hi] = [("pending", attempt if lost else attempt - 1, True)] * (hi - lo)

    @precondition(lambda self: self.retired)
    @rule(data=st.data())
    def come_late(self, data: st.DataObject) -> None:
        cid, outcomes = data.draw(st.sampled_from(self.retired))
        with self.store.transaction():
            assert not self.store.finish(cid, outcomes)

    @precondition(lambda self: self.models)
    @rule(data=st.data(), status=st.sampled_from([Status.KILLED, Status.STALLED]))
    def settle(self, data: st.DataObject, status: Status) -> None:
        model = self.models[data.draw(st.sampled_from(sorted(self.models)))]
        lo = data.draw(st.integers(0, len(model.jobs) - 1))
        hi = data.draw(st.integers(lo + 1, len(model.jobs)))
        with self.store.transaction():
            moved = self.store.settle(Outcomes.uniform(model.submission.sid, lo, hi, status, status.word), at=NOW)
        expected = [i for i in range(lo, hi) if is_ready(model.jobs[i]) or is_waiting(model.jobs[i])]
        assert [i for a, b in moved for i in range(a, b)] == expected
        for i in expected:
            model.jobs[i] = (status, 0)
            model.results[i] = b""

    @precondition(lambda self: self.any_job(is_over))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        runs: list[tuple[Model, int, int]] = []
        for m in self.models.values():
            over = [is_over(job) for job in m.jobs]
            runs += [(m, i, i + [*over[i:], False].index(False)) for i in range(len(over)) if over[i]]
        model, lo, end = data.draw(st.sampled_from(runs))
        hi = data.draw(st.integers(lo + 1, end))
        sid = model.submission.sid
        with self.store.transaction():
            freed = self.store.delete(Stretch(sid, lo, hi))
        expected = {model.blobs.pop(i) for i in range(lo, hi) if i in model.blobs}
        for i in range(lo, hi):
            model.jobs[i] = None
            model.results.pop(i, None)
        if all(job is None for job in model.jobs):
            del self.models[sid]
        assert {name for name in freed if not name.startswith("functions/")} == expected
        assert self.store.referenced(freed) == set()

    # --- around

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.open_store()

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        before, number = dict(self.unsealed), self.number
        saved = {sid: (list(m.jobs), dict(m.results), dict(m.blobs)) for sid, m in self.models.items()}
        moves: list[Callable[..., None]] = [self.add, self.claim, self.finish, self.give_back, self.settle]
        needs = [None, is_ready, is_claimed, is_claimed, None]
        extras: dict[int, dict[str, Any]] = {3: {"lost": "gone"}, 4: {"status": Status.KILLED}}
        retired, cids = list(self.retired), set(self.cids)
        try:
            with self.store.transaction():
                for _ in range(data.draw(st.integers(1, 4))):
                    which = data.draw(st.integers(0, 4))
                    need = needs[which]
                    if which == 0:
                        self.add(3, 1, 0)
                    elif (need is None or self.any_job(need)) and self.models:
                        extra = extras.get(which, {})
                        moves[which](data=data, **extra)
                raise Undone
        except Undone:
            self.unsealed, self.retired, self.cids, self.number = before, retired, cids, number
            for sid, (jobs, returned, blobs) in saved.items():
                model = self.models[sid]
                model.jobs, model.results, model.blobs = jobs, returned, blobs

    # --- the comparison

    @invariant()
    def the_store_says_what_the_dictionary_says(self) -> None:
        store = self.store
        for sid, model in self.models.items():
            submission = store.submission(sid)
            assert submission == model.submission
            assert places(store, model.submission) == model.jobs
            stretch = whole(model.submission)
            assert results(store, stretch) == model.results
            blobs = {i: ref.name for row in store.outcomes(stretch) for i, ref in row.blobs.items()}
            assert blobs == model.blobs
            assert store.referenced(sorted(blobs.values())) == set(blobs.values())
            assert store.barrier(sid) == model.barrier
            pending = [(p.lo, p.hi) for p in store.pending(stretch)]
            assert pending == model.runs(lambda job: is_ready(job) or is_waiting(job))
            assert store.chunks(sid, 0, 1) == [Chunk(0, submission.count, b"packed")]
            assert store.function(submission.spec.function) is not None
        for sid, (token, jobs) in self.unsealed.items():
            submission = store.submission(sid)
            assert submission is not None
            assert (submission.token, submission.sealed) == (token, False)
            assert store.chunk_extents(sid) == [(0, jobs)]
        assert store.at_jids(range(1 << 40)) == sorted(
            (m.submission for m in self.models.values()), key=lambda s: s.jids.start
        )

    @invariant()
    def the_queue_is_in_order(self) -> None:
        expected = sorted(
            (m.submission.spec.priority, sid, lo, m.submission.account)
            for sid, m in self.models.items()
            for lo, _ in m.runs(is_ready)
        )
        found: list[tuple[int, int, int, int]] = []
        page = self.store.ready(2)
        while page:
            found += [(p.priority, p.sid, p.lo, p.account) for p in page]
            page = self.store.ready(2, page[-1])
        assert found == expected
        assert self.store.ready_accounts() == sorted({account for *_, account in expected})

    @invariant()
    def barriers_are_found_from_below(self) -> None:
        for parent, model in self.models.items():
            n = len(model.jobs)
            for lo, hi in ((0, n), (n // 2, n // 2 + 1)):
                behind = [
                    sid
                    for sid, m in sorted(self.models.items())
                    if any(map(is_waiting, m.jobs))
                    and any(s.sid == parent and s.lo < hi and lo < s.hi for s in m.barrier)
                ]
                assert self.store.behind(Stretch(parent, lo, hi)) == behind


StoreMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("PICLOUD_MACHINE_EXAMPLES", "20")),
    stateful_step_count=100,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],  # explaining takes minutes
    suppress_health_check=list(HealthCheck),
)
TestStore = StoreMachine.TestCase
