"""Opening and stalling: what the end of some jobs means for the jobs that wait for them."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from cloud.dispatch import lifecycle
from cloud.dispatch.lifecycle import Verdict
from cloud.dispatch.ports import Clock, Store
from cloud.dispatch.step import Step
from cloud.model import Outcomes, Spec, Status, Stretch

REMEMBERED = 256
"""Barriers kept in memory; more are read again when needed."""


class _Barrier:
    """The stretches a submission waits for, and how far they were seen to be finished. Finished stays finished."""

    __slots__ = ("passed", "stretches")

    def __init__(self, stretches: list[Stretch]) -> None:
        self.stretches = stretches
        self.passed = 0


class Barriers:
    """Judges barriers after each step; a barrier of n stretches costs n look-ups in all, not n per step."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[int, _Barrier] = OrderedDict()

    def judge_new(self, spec: Spec, stretches: list[Stretch]) -> Verdict:
        """What a submission that waits for these stretches is to do right now."""
        barrier = _Barrier(stretches)
        glances = self._store.glances(stretches)
        failed = (
            first_failure(self._store, [s for s, g in zip(stretches, glances, strict=True) if g.failed]) is not None
        )
        barrier.passed = next((place for place, glance in enumerate(glances) if glance.open), len(stretches))
        return lifecycle.at_barrier(spec, all_finished=self._passed(barrier), any_failed=failed)

    def forget(self) -> None:
        """A transaction was rolled back: what was seen in it may not be so."""
        self._known.clear()

    def follow(self, step: Step) -> None:
        """Release and stall everything behind what finished in this step, and behind what stalls thereby."""
        todo = list(step.finished.values())
        while todo:
            ended = todo.pop()
            for sid in self._store.behind(ended):
                stalled = self._look_again(sid, ended, step)
                if stalled is not None:
                    todo.append(stalled)

    def _look_again(self, sid: int, ended: Stretch, step: Step) -> Stretch | None:
        submission = self._store.submission(sid)
        if submission is None or not submission.sealed:
            return None
        barrier = self._barrier(sid)
        failed = None
        if submission.spec.depends_on_errors == "abort":
            failed = first_failure(self._store, _overlaps(barrier.stretches, ended))
        passed = self._passed(barrier)
        verdict = lifecycle.at_barrier(submission.spec, all_finished=passed, any_failed=failed is not None)
        if verdict is Verdict.WAIT:
            return None
        self._known.pop(sid, None)
        step.touched.add(sid)
        if verdict is Verdict.RELEASE:
            self._store.release(sid)
            step.ready = True
            return None
        return stall(self._store, sid, submission.count, failed, step, self._clock.now())

    def _barrier(self, sid: int) -> _Barrier:
        known = self._known.get(sid)
        if known is None:
            known = self._known[sid] = _Barrier(self._store.barrier(sid))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(sid)
        return known

    def _passed(self, barrier: _Barrier) -> bool:
        while barrier.passed < len(barrier.stretches):
            if not self._store.all_finished(barrier.stretches[barrier.passed]):
                return False
            barrier.passed += 1
        return True


def stall(store: Store, sid: int, count: int, failed: Stretch | None, step: Step, at: datetime) -> Stretch:
    """All jobs of a submission that still wait become stalled; `failed` is the job to blame."""
    text = lifecycle.STALLED_TEXT if failed is None else _blaming(store, failed)
    store.settle(Outcomes.uniform(sid, 0, count, Status.STALLED, text), at=at)
    step.finish(sid, 0, count)
    return Stretch(sid, 0, count)


def first_failure(store: Store, stretches: Sequence[Stretch]) -> Stretch | None:
    """The first job of these that failed."""
    for stretch in stretches:
        index = store.first_failure(stretch)
        if index is not None:
            return Stretch(stretch.sid, index, index + 1)
    return None


def _blaming(store: Store, failed: Stretch) -> str:
    submission = store.submission(failed.sid)
    rows = store.outcomes(failed, columns=("error",))
    if submission is None or not rows:
        return lifecycle.STALLED_TEXT
    error = bytes(rows[0].bytes_of("error", failed.lo)).decode("utf-8", "replace")
    status = rows[0].status_of(failed.lo)
    return lifecycle.stalled_text(submission.jids[failed.lo], submission.spec.called, status, error)


def _overlaps(stretches: list[Stretch], ended: Stretch) -> list[Stretch]:
    return [
        Stretch(s.sid, max(s.lo, ended.lo), min(s.hi, ended.hi))
        for s in stretches
        if s.sid == ended.sid and s.lo < ended.hi and ended.lo < s.hi
    ]
