"""The Store contract: deletion, what it frees, retention; and barriers."""

from typing import Any

import pytest

from cloud.dispatch.ports import Store
from cloud.model import BlobRef, Chunk, Outcomes, Status, Stretch, Submission
from cloud.stores import forgetting, rows
from tests.support.stores import (
    DIGEST,
    NOW,
    claimed,
    ended,
    finished,
    later,
    places,
    results,
    spec,
    submit,
    whole,
)

DONE, KILLED = Status.DONE, Status.KILLED


def with_blobs(store: Store, token: str) -> Submission:
    """A finished submission of three jobs, all of whose bytes are in blobs."""
    with store.transaction():
        store.add_function("large", BlobRef("functions/large", 10))
        sid = store.add_submission(1, token, spec(function="large"), NOW).sid
        store.add_chunk(sid, Chunk(0, 3, BlobRef(f"args/{sid}/0", 20)), NOW)
        submission = store.seal(sid, 3, ready=True)
        cid = store.claim(sid, 0, 3, dispatcher=1, agent="").cid
        blobs = {i: BlobRef(f"results/{sid}/{i}-1", 30) for i in range(3)}
        store.finish(cid, ended(sid, 0, 3, result=[b""] * 3, blobs=blobs))
    return submission


def test_a_blob_of_two_submissions_goes_with_the_last(store: Store) -> None:
    shared = BlobRef("args/1/0", 20)
    with store.transaction():
        first, second = finished(store, 1), finished(store, 2)
        for submission in (first, second):
            store.add_chunk(submission.sid, Chunk(submission.count, 1, shared), NOW)
        assert store.delete(whole(first)) == []
        assert store.referenced([shared.name]) == {shared.name}
        assert store.delete(whole(second)) == [shared.name]
        assert store.referenced([shared.name]) == set()


@pytest.mark.parametrize("gone", [(0, 4), (6, 10), (3, 7), (0, 10), (4, 5)])
def test_deleted_jobs_are_nowhere(store: Store, gone: tuple[int, int]) -> None:
    submission = finished(store, 10)
    with store.transaction():
        assert store.delete(Stretch(submission.sid, *gone)) == []
    if gone == (0, 10):
        assert store.submission(submission.sid) is None
        assert store.at_jids(submission.jids) == []
        return
    left = [i for i in range(10) if not gone[0] <= i < gone[1]]
    assert places(store, submission) == [(DONE, 1) if i in left else None for i in range(10)]
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in left}
    with store.transaction():
        store.delete(Stretch(submission.sid, *gone))
        store.delete(whole(submission))
    assert store.submission(submission.sid) is None


def test_jobs_can_be_deleted_one_by_one(store: Store) -> None:
    submission = finished(store, 9)
    left = dict.fromkeys(range(9))
    for i in (4, 5, 0, 8, 2, 1, 6, 3):
        with store.transaction():
            assert store.delete(Stretch(submission.sid, i, i + 1)) == []
        del left[i]
        assert results(store, whole(submission)) == {i: b"r%d" % i for i in left}
        places(store, submission)
    with store.transaction():
        store.delete(Stretch(submission.sid, 7, 8))
    assert store.submission(submission.sid) is None
    assert store.of_account(1, unfinished=False) == []


@pytest.mark.parametrize("rows", [(12,), (5, 7), (2, 3, 1, 6)])
@pytest.mark.parametrize("gone", [range(0, 12, 2), range(1, 12, 2), range(1, 11, 3), range(3, 9, 5)])
def test_jobs_can_be_deleted_in_many_pieces_at_once(store: Store, rows: tuple[int, ...], gone: range) -> None:
    blobs = {i: BlobRef(f"results/x/{i}", 30) for i in (1, 4, 6)}
    with store.transaction():
        submission, cid = claimed(store, 12)
        lo = 0
        for size in rows:
            mine = {i: ref for i, ref in blobs.items() if lo <= i < lo + size}
            assert store.finish(cid, ended(submission.sid, lo, lo + size, attempt=1, blobs=mine))
            lo += size
    with store.transaction():
        freed = store.delete(*(Stretch(submission.sid, i, i + 1) for i in gone))
    assert freed == [blobs[i].name for i in sorted(blobs) if i in gone]
    left = [i for i in range(12) if i not in gone]
    assert places(store, submission) == [(DONE, 1) if i in left else None for i in range(12)]
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in left}
    kept = {i: ref for row in store.outcomes(whole(submission)) for i, ref in row.blobs.items()}
    assert kept == {i: ref for i, ref in blobs.items() if i in left}
    pieces = [Stretch(submission.sid, i, i + 1) for i in left]
    with store.transaction():
        assert store.delete(*pieces) == [blobs[i].name for i in sorted(blobs) if i in left]
    assert store.submission(submission.sid) is None


def test_each_row_is_written_once_however_many_pieces_are_cut_out_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = finished(store, 500)
    written: list[int] = []
    make = rows.row_of

    def counted(*arguments: Any) -> Any:
        written.append(1)
        return make(*arguments)

    monkeypatch.setattr(forgetting, "row_of", counted)
    with store.transaction():
        store.delete(*(Stretch(submission.sid, i, i + 1) for i in range(0, 500, 2)))
    assert len(written) == 1
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in range(1, 500, 2)}


def test_part_of_a_uniform_range_can_be_deleted(store: Store) -> None:
    submission = submit(store, 1000)
    with store.transaction():
        store.settle(Outcomes.uniform(submission.sid, 0, 1000, KILLED, "why"))
        store.delete(Stretch(submission.sid, 300, 400))
    assert store.counts(whole(submission)) == {KILLED: 900}
    rows = store.outcomes(whole(submission), columns=("error",))
    assert [(row.lo, row.hi, bytes(row.bytes_of("error", row.lo))) for row in rows] == [
        (0, 300, b"why"),
        (400, 1000, b"why"),
    ]
    with store.transaction():
        store.delete(*(Stretch(submission.sid, i, i + 10) for i in (0, 50, 250, 450, 990)))
    assert store.counts(whole(submission)) == {KILLED: 850}
    assert [(row.lo, row.hi) for row in store.outcomes(whole(submission))] == [
        (10, 50), (60, 250), (260, 300), (400, 450), (460, 990),
    ]  # fmt: skip


def test_unfinished_jobs_are_not_deleted(store: Store) -> None:
    submission, cid = claimed(store, 3)
    with store.transaction():
        store.finish(cid, ended(submission.sid, 0, 1))
    with pytest.raises(ValueError, match="not all finished"), store.transaction():
        store.delete(Stretch(submission.sid, 0, 2))
    with store.transaction():
        store.delete(Stretch(submission.sid, 0, 1))
    assert places(store, submission) == [None] + [("claim", cid, 1)] * 2


def test_deletion_names_the_blobs_that_are_free_now(store: Store) -> None:
    first, second = with_blobs(store, "a"), with_blobs(store, "b")
    names = [f"results/{first.sid}/{i}-1" for i in range(3)] + [f"args/{first.sid}/0", "functions/large"]
    assert store.referenced([*names, "results/none"]) == set(names)
    with store.transaction():
        assert store.delete(Stretch(first.sid, 1, 2)) == [names[1]]
    assert store.referenced(names) == set(names) - {names[1]}
    with store.transaction():
        assert sorted(store.delete(whole(first))) == sorted([names[0], names[2], names[3]])
    assert store.function("large") == BlobRef("functions/large", 10)
    with store.transaction():
        assert "functions/large" in store.delete(whole(second))
    assert store.function("large") is None
    assert store.referenced(names) == set()


def test_unsealed_submissions_are_dropped_with_their_blobs(store: Store) -> None:
    with store.transaction():
        store.add_function(DIGEST, BlobRef("functions/f", 1))
        sid = store.add_submission(1, "t", spec(), NOW).sid
        store.add_chunk(sid, Chunk(0, 1, BlobRef("args/0", 1)), NOW)
    with store.transaction():
        assert sorted(store.drop_unsealed(sid)) == ["args/0", "functions/f"]
        assert store.drop_unsealed(sid) == []
    assert store.find_token(1, "t") is None
    sealed = submit(store, 1)
    with store.transaction():
        assert store.drop_unsealed(sealed.sid) == []
    assert store.submission(sealed.sid) == sealed


def test_retention_sees_what_finished_first(store: Store) -> None:
    start = NOW.timestamp()
    late, early = finished(store, 3, at=start + 100), finished(store, 4, at=start + 50)
    killed = submit(store, 5)
    with store.transaction():
        store.settle(Outcomes.uniform(killed.sid, 0, 5, KILLED), at=later(70))
    running, cid = claimed(store, 2)
    with store.transaction():
        store.finish(cid, ended(running.sid, 0, 1, at=start))
    found = store.oldest_finished(10)
    assert [sid for sid, _, _ in found] == [early.sid, killed.sid, late.sid]
    assert [end for _, end, _ in found] == [later(53.25), later(70), later(102.25)]
    assert all(size > 0 for _, _, size in found)
    assert store.oldest_finished(1) == found[:1]
    in_order = store.ended_jids(100)
    assert store.finished_jobs() == sum(map(len, in_order))
    assert store.ended_jids(1) == in_order[:1]
    large = with_blobs(store, "large")
    assert {sid: size for sid, _, size in store.oldest_finished(10)}[large.sid] > 20 + 3 * 30


def test_space_is_used_again(store: Store) -> None:
    def one_round() -> int:
        submission, cid = claimed(store, 500)
        with store.transaction():
            store.finish(cid, ended(submission.sid, 0, 500, result=[b"x" * 1000] * 500))
        held = store.size_bytes()
        with store.transaction():
            store.delete(whole(submission))
        return held

    first = one_round()
    assert store.size_bytes() < first - 400_000
    assert one_round() < first + 100_000


# --- barriers


def test_what_waits_for_a_range_is_found(store: Store) -> None:
    parent, other = submit(store, 1000), submit(store, 10)
    wide, narrow, single = (submit(store, 1, ready=False) for _ in range(3))
    with store.transaction():
        store.add_barrier(wide.sid, [whole(other), whole(parent)])
        store.add_barrier(narrow.sid, [Stretch(parent.sid, 100, 117), Stretch(parent.sid, 500, 501)])
        store.add_barrier(single.sid, [Stretch(parent.sid, 116, 117)])
    assert store.barrier(wide.sid) == [whole(parent), whole(other)]
    assert store.barrier(parent.sid) == []

    def behind(lo: int, hi: int) -> list[int]:
        return store.behind(Stretch(parent.sid, lo, hi))

    assert behind(0, 100) == [wide.sid]
    assert behind(99, 101) == [wide.sid, narrow.sid]
    assert behind(116, 117) == [wide.sid, narrow.sid, single.sid]
    assert behind(117, 500) == [wide.sid]
    assert behind(400, 1000) == [wide.sid, narrow.sid]
    assert store.behind(Stretch(other.sid, 9, 10)) == [wide.sid]
    assert store.behind(whole(wide)) == []


def test_what_does_not_wait_any_more_is_not_behind(store: Store) -> None:
    parent = submit(store, 3)
    released, stalled = submit(store, 2, ready=False), submit(store, 2, ready=False)
    with store.transaction():
        store.add_barrier(released.sid, [whole(parent)])
        store.add_barrier(stalled.sid, [whole(parent)])
        store.release(released.sid)
    assert store.behind(whole(parent)) == [stalled.sid]
    with store.transaction():
        store.settle(Outcomes.uniform(stalled.sid, 0, 1, Status.STALLED))
    assert store.behind(whole(parent)) == [stalled.sid]
    with store.transaction():
        store.settle(Outcomes.uniform(stalled.sid, 1, 2, Status.STALLED))
    assert store.behind(whole(parent)) == []


def test_what_waited_for_a_range_is_known_until_it_is_deleted(store: Store) -> None:
    parent = finished(store, 100)
    children = [submit(store, 2, ready=False) for _ in range(3)]
    with store.transaction():
        for child, stretch in zip(children, [(0, 100), (7, 8), (7, 30)], strict=True):
            store.add_barrier(child.sid, [Stretch(parent.sid, *stretch)])
            store.settle(Outcomes.uniform(child.sid, 0, 2, Status.KILLED))
    sids = [child.sid for child in children]
    assert store.dependents(Stretch(parent.sid, 7, 8), 10) == sids
    assert store.dependents(Stretch(parent.sid, 8, 9), 10) == [sids[0], sids[2]]
    assert store.dependents(Stretch(parent.sid, 30, 31), 10) == [sids[0]]
    assert len(store.dependents(whole(parent), 2)) == 2
    assert store.dependents(whole(children[0]), 10) == []
    with store.transaction():
        store.delete(whole(children[1]))
    assert store.dependents(Stretch(parent.sid, 7, 8), 10) == [sids[0], sids[2]]


def test_a_map_behind_a_map_is_one_row(store: Store) -> None:
    parent, child = submit(store, 10_000), submit(store, 10_000, ready=False)
    with store.transaction():
        store.add_barrier(child.sid, [whole(parent)])
    assert store.barrier(child.sid) == [whole(parent)]
    assert store.behind(Stretch(parent.sid, 9_999, 10_000)) == [child.sid]
