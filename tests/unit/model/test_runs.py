"""Runs of jobs that ended alike."""

import itertools
from array import array

from hypothesis import given
from hypothesis import strategies as st

from cloud.model import Outcomes, Status

ENDS = [Status.DONE, Status.ERROR, Status.KILLED, Status.STALLED, Status.DELETED]


@given(st.lists(st.sampled_from(ENDS), min_size=2, max_size=40), st.frozensets(st.sampled_from(ENDS)))
def test_runs_are_maximal_and_have_every_wanted_job(ends: list[Status], wanted: frozenset[Status]) -> None:
    outcomes = Outcomes(1, 7, len(ends), bytes(ends), 1, array("d"), array("d"))
    runs = list(outcomes.runs(wanted))
    found = [index for lo, hi in runs for index in range(lo, hi)]
    assert found == [7 + at for at, status in enumerate(ends) if status in wanted]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(runs))


def test_jobs_that_all_ended_alike_are_one_run_or_none() -> None:
    killed = Outcomes.uniform(1, 3, 1_000_003, Status.KILLED, "")
    assert list(killed.runs(frozenset({Status.KILLED, Status.ERROR}))) == [(3, 1_000_003)]
    assert list(killed.runs(frozenset({Status.DONE}))) == []
