"""The Store contract: outcomes are kept in few rows and come back as they were given."""

import math

import pytest

from cloud.dispatch.ports import Store
from cloud.model import BlobRef, Outcomes, Status, Stretch
from tests.support.stores import Reopening, claimed, ended, finished, places, results, submit, whole

DONE, ERROR, KILLED = Status.DONE, Status.ERROR, Status.KILLED


def test_outcomes_come_back_as_they_were_given(store: Store) -> None:
    submission, cid = claimed(store, 4)
    outcomes = ended(
        submission.sid, 0, 4, statuses=[DONE, ERROR, KILLED, DONE],
        result=[b"one", b"", b"", b""], error=[b"", b"trace", b"killed", b""], exception=[b"", b"\0\xff", b"", b""],
        stdout=[b"a", b"b", b"", b"d"], stderr=[b"", b"", b"", b"e"], extra=[b"{}", b"", b"", b""],
        blobs={3: BlobRef("results/1/3-1", 70_000)},
    )  # fmt: skip
    outcomes.started[2] = outcomes.runtime[2] = math.nan
    with store.transaction():
        store.finish(cid, outcomes)
    names = ("exception", "error", "stdout", "stderr", "result", "extra")
    (row,) = store.outcomes(whole(submission), columns=names)
    assert (row.status, row.attempt, row.blobs) == (outcomes.status, 1, outcomes.blobs)
    assert (list(row.started[:2]), math.isnan(row.started[2])) == (list(outcomes.started[:2]), True)
    assert (row.runtime[3], math.isnan(row.runtime[2])) == (0.25, True)
    for name in names:
        assert [bytes(row.bytes_of(name, i)) for i in range(4)] == [outcomes.bytes_of(name, i) for i in range(4)]
    (cut,) = store.outcomes(Stretch(submission.sid, 1, 3), columns=("error",))
    assert (cut.lo, cut.hi, cut.blobs, cut.result) == (1, 3, {}, None)
    assert [bytes(cut.bytes_of("error", i)) for i in (1, 2)] == [b"trace", b"killed"]


def test_reading_stops_at_a_number_of_bytes(store: Store) -> None:
    submission, cid = claimed(store, 3000)
    with store.transaction():
        for lo in (0, 1000, 2000):
            store.finish(cid, ended(submission.sid, lo, lo + 1000, result=[b"x" * 50] * 1000))
    assert len(store.outcomes(whole(submission), columns=("result",))) == 3
    assert len(store.outcomes(whole(submission), columns=("result",), max_bytes=1)) == 1
    assert len(store.outcomes(whole(submission), columns=("result",), max_bytes=80_000)) == 2


def test_the_jobs_that_ran_longest_are_found(store: Store) -> None:
    submission, cid = claimed(store, 300)
    took = [((i * 37) % 101) / 10 for i in range(300)]
    with store.transaction():
        for lo in (0, 100, 200):
            row = ended(submission.sid, lo, lo + 100, stdout=[b"x" * 2000] * 100)
            for i in range(100):
                row.runtime[i] = took[lo + i]
            store.finish(cid, row)
    order = sorted(range(300), key=lambda i: (-took[i], i))
    assert store.slowest(whole(submission), 7) == [(i, took[i]) for i in order[:7]]
    inside = [i for i in order if 50 <= i < 250]
    assert store.slowest(Stretch(submission.sid, 50, 250), 3) == [(i, took[i]) for i in inside[:3]]
    with store.transaction():
        store.delete(Stretch(submission.sid, order[0], order[0] + 1))
    assert store.slowest(whole(submission), 1) == [(order[1], took[order[1]])]
    stalled = submit(store, 5, ready=False)
    with store.transaction():
        store.settle(Outcomes.uniform(stalled.sid, 0, 5, Status.STALLED, "why"))
    assert store.slowest(whole(stalled), 5) == []


def test_the_newest_submission_with_a_failure_is_found_and_the_one_before_it(store: Store) -> None:
    submissions = []
    for status in (ERROR, DONE, Status.KILLED, DONE):
        submission, cid = claimed(store, 3)
        with store.transaction():
            store.finish(cid, ended(submission.sid, 0, 3, statuses=[DONE, status, DONE]))
        submissions.append(submission)
    stalled = submit(store, 5, ready=False)
    with store.transaction():
        store.settle(Outcomes.uniform(stalled.sid, 0, 5, Status.STALLED, "why"))
    assert store.last_failed() == stalled.sid
    assert store.last_failed(stalled.jids.start) == submissions[2].sid
    assert store.last_failed(submissions[2].jids.start) == submissions[0].sid
    assert store.last_failed(submissions[0].jids.start) in (None, *range(submissions[0].sid))


@pytest.mark.parametrize("order", ["forwards", "backwards", "interleaved"])
def test_small_outcome_rows_are_merged(store: Store, order: str) -> None:
    n = 60 if isinstance(store, Reopening) else 300
    submission, cid = claimed(store, n)
    indices = list(range(n))
    if order == "backwards":
        indices.reverse()
    elif order == "interleaved":
        indices = [i for pair in zip(indices[: n // 2], indices[n // 2 :], strict=True) for i in pair]
    for i in indices:
        failed = i % 7 == 3
        with store.transaction():
            error = [b"e%d" % i if failed else b""]
            blobs = {i: BlobRef(f"results/{i}", i)} if i % 50 == 0 else {}
            one = ended(submission.sid, i, i + 1, statuses=[ERROR if failed else DONE], error=error, blobs=blobs)
            assert store.finish(cid, one)
    rows = store.outcomes(whole(submission), columns=("error",))
    assert len(rows) <= 12
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in range(n)}
    errors = {i: bytes(row.bytes_of("error", i)) for row in rows for i in range(row.lo, row.hi)}
    assert errors == {i: b"e%d" % i if i % 7 == 3 else b"" for i in range(n)}
    assert {i: ref for row in rows for i, ref in row.blobs.items()} == {
        i: BlobRef(f"results/{i}", i) for i in range(0, n, 50)
    }
    assert [start for row in rows for start in row.started] == [2e9 + i for i in range(n)]
    places(store, submission)


def test_rows_grow_no_larger_than_is_read_at_once(store: Store) -> None:
    submission, cid = claimed(store, 2500)
    with store.transaction():
        for lo in range(0, 2500, 50):
            store.finish(cid, ended(submission.sid, lo, lo + 50))
    rows = store.outcomes(whole(submission))
    assert max(row.count for row in rows) <= 1000
    assert len(rows) <= 10


def test_a_census_counts_whole_submissions_wherever_their_jobs_are(store: Store) -> None:
    first, cid = claimed(store, 10)
    with store.transaction():
        store.finish(cid, ended(first.sid, 2, 5, statuses=[DONE, ERROR, KILLED]))
        waiting, ready = submit(store, 3, ready=False), submit(store, 4)
        done = finished(store, 2)
        submit(store, 1, account=2)
        jids = range(first.jids.start, done.jids.stop)
        counted = {Status.WAITING: 3, Status.QUEUED: 4, Status.PROCESSING: 7, DONE: 3, ERROR: 1, KILLED: 1}
        assert store.census(1, jids) == counted
    assert store.census(1, jids) == counted
    assert store.census(1, range(waiting.jids.start, ready.jids.stop)) == {Status.WAITING: 3, Status.QUEUED: 4}
    assert store.census(2, jids) is None
    assert store.census(1, range(jids.start, jids.stop + 1)) is None


def test_the_lowest_failure_in_a_stretch_is_found(store: Store) -> None:
    submission, cid = claimed(store, 10)
    with store.transaction():
        store.finish(cid, ended(submission.sid, 0, 4, statuses=[DONE, ERROR, DONE, KILLED]))
        store.finish(cid, ended(submission.sid, 4, 8))
    assert store.first_failure(whole(submission)) == 1
    assert store.first_failure(Stretch(submission.sid, 2, 10)) == 3
    assert store.first_failure(Stretch(submission.sid, 4, 10)) is None
    assert store.first_failure(Stretch(submission.sid, 2, 3)) is None
    assert store.counts(Stretch(submission.sid, 1, 6)) == {DONE: 3, ERROR: 1, KILLED: 1}


def test_rows_with_failures_are_named_in_order_and_cut_to_the_stretch(store: Store) -> None:
    submission, cid = claimed(store, 4000)
    with store.transaction():
        for lo in range(0, 4000, 1000):
            statuses = [ERROR if lo != 1000 and i == 500 else DONE for i in range(1000)]
            store.finish(cid, ended(submission.sid, lo, lo + 1000, statuses=statuses))
    rows = [range(1000), range(2000, 3000), range(3000, 4000)]
    assert store.failed_rows(whole(submission), 10) == rows
    assert store.failed_rows(whole(submission), 2) == rows[:2]
    assert store.failed_rows(Stretch(submission.sid, 1000, 2700), 10) == [range(2000, 2700)]
    assert store.failed_rows(Stretch(submission.sid, 2700, 2800), 10) == [range(2700, 2800)]
    assert store.failed_rows(Stretch(submission.sid, 1000, 2000), 10) == []


def test_uniform_rows_are_merged_only_with_their_like(store: Store) -> None:
    submission, cid = claimed(store, 2)
    with store.transaction():
        for i in range(2):
            one = Outcomes.uniform(submission.sid, i, i + 1, KILLED, "why")
            one.attempt = 1
            assert store.finish(cid, one)
    assert [(row.lo, row.hi) for row in store.outcomes(whole(submission))] == [(0, 2)]

    submission, cid = claimed(store, 4)
    with store.transaction():
        assert store.give_back(cid, 0, 3)
        store.settle(Outcomes.uniform(submission.sid, 0, 1, KILLED, "why"))
        store.settle(Outcomes.uniform(submission.sid, 1, 2, KILLED, "why else"))
        store.settle(Outcomes.uniform(submission.sid, 2, 3, Status.STALLED, "why else"))
        ran = Outcomes.uniform(submission.sid, 3, 4, Status.STALLED, "why else")
        ran.attempt = 1
        assert store.finish(cid, ran)
    rows = store.outcomes(whole(submission), columns=("error",))
    assert [(row.status[0], row.attempt, bytes(row.bytes_of("error", row.lo))) for row in rows] == [
        (KILLED, 0, b"why"),
        (KILLED, 0, b"why else"),
        (Status.STALLED, 0, b"why else"),
        (Status.STALLED, 1, b"why else"),
    ]


def test_a_glance_is_right_where_it_is_certain(store: Store) -> None:
    done, failed, running = (claimed(store, 4) for _ in range(3))
    waiting = submit(store, 2, ready=False)
    with store.transaction():
        store.finish(done[1], ended(done[0].sid, 0, 4))
        store.finish(failed[1], ended(failed[0].sid, 0, 4, statuses=[DONE, ERROR, DONE, DONE]))
        store.finish(running[1], ended(running[0].sid, 0, 2))
        store.delete(Stretch(failed[0].sid, 2, 3))
    stretches = [
        whole(done[0]), Stretch(done[0].sid, 1, 3), whole(failed[0]), whole(running[0]),
        Stretch(running[0].sid, 0, 2), whole(waiting), Stretch(999, 0, 1),
    ]  # fmt: skip
    glances = store.glances(stretches)
    assert [glance.open for glance in glances] == [False, False, False, True, False, True, False]
    assert glances[2].failed
    assert not any(glances[place].whole for place in (2, 3, 5, 6))
    assert store.glances([]) == []
