"""The Store contract: submissions, the queue, claims and moves, dispatchers and facts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloud.dispatch.ports import Claim, Loss, Pending, Store
from cloud.model import BlobRef, Chunk, Environment, Outcomes, Status, Stretch
from tests.support.stores import DIGEST, NOW, claimed, ended, later, places, results, spec, submit, whole

DONE, ERROR, KILLED = Status.DONE, Status.ERROR, Status.KILLED


# --- submissions


def test_a_submission_comes_back_as_it_was_given(store: Store) -> None:
    environment = Environment(
        "cpython-312", "machine", "/bin/python", ("/a", "/b\udce9"), "/home", {"PATH": "/x"}, "v1"
    )
    wanted = spec(
        kind="call", environment=environment, label="Ünïcode \ud800", priority=-3, cores=2, core_type="f2",
        max_runtime_seconds=1.5, restartable=False, kill_process=True, profile=True,
        depends_on=(range(3, 5), range(9, 10)), depends_on_errors="ignore", os_env_vars={"A": "1"},
        fast_serialization=2, parent_jid=7, shown_arguments=("1", "'x'"), client={"host": "h"},
    )  # fmt: skip
    with store.transaction():
        added = store.add_submission(4, "token", wanted, NOW)
    for found in (store.find_token(4, "token"), store.submission(added.sid)):
        assert found == added
        assert found is not None
        assert (found.spec, found.created_at, found.sealed) == (wanted, NOW, False)
    assert store.find_token(5, "token") is None
    with store.transaction():
        sealed = store.seal(added.sid, 3, ready=True)
    assert store.submission(added.sid) == sealed == added.sealed_as(sealed.jids.start, 3)


def test_a_token_is_used_once_per_account(store: Store) -> None:
    with store.transaction():
        store.add_submission(1, "token", spec(), NOW)
        store.add_submission(2, "token", spec(), NOW)
    with pytest.raises(ValueError, match="token"), store.transaction():
        store.add_submission(1, "token", spec(), NOW)
    assert len(store.of_account(1, unfinished=False)) == 1


def test_jids_are_consecutive_and_never_given_out_twice(store: Store) -> None:
    first, second = submit(store, 3), submit(store, 2)
    assert second.jids == range(first.jids.stop, first.jids.stop + 2)
    with store.transaction():
        store.settle(Outcomes.uniform(second.sid, 0, 2, KILLED))
        store.delete(whole(second))
    third = submit(store, 1)
    assert third.jids.start == second.jids.stop
    assert third.sid > second.sid


def test_jids_are_allotted_at_the_seal_and_not_before(store: Store) -> None:
    with store.transaction():
        early = store.add_submission(1, "early", spec(), NOW)
    late = submit(store, 4)
    with store.transaction():
        sealed = store.seal(early.sid, 2, ready=True)
    assert sealed.jids.start == late.jids.stop
    assert store.at_jids(range(late.jids.start, sealed.jids.stop)) == [late, sealed]


def test_submissions_are_found_by_any_of_their_jids(store: Store) -> None:
    a, b, c = submit(store, 5), submit(store, 1), submit(store, 7)
    start = a.jids.start
    assert store.at_jids(range(start + 4, start + 7)) == [a, b, c]
    assert store.at_jids(range(start + 5, start + 6)) == [b]
    assert store.at_jids(range(start + 4, start + 99), 2) == [a, b]
    assert store.at_jids(range(start + 5, start + 99), 1) == [b]
    assert store.at_jids(range(start + 13, start + 99)) == []
    assert store.at_jids(range(start, start)) == []


def test_chunks_cover_what_is_asked_for(store: Store) -> None:
    with store.transaction():
        sid = store.add_submission(1, "t", spec(), NOW).sid
        store.add_chunk(sid, Chunk(4, 3, BlobRef("args/1/4", 99)), NOW)
        store.add_chunk(sid, Chunk(0, 4, memoryview(b"abc")), NOW)
        store.add_chunk(sid, Chunk(7, 1, b""), NOW)
        store.add_chunk(sid, Chunk(0, 4, b"repeated"), NOW)
    assert store.chunk_extents(sid) == [(0, 4), (4, 3), (7, 1)]
    first, second, third = Chunk(0, 4, b"abc"), Chunk(4, 3, BlobRef("args/1/4", 99)), Chunk(7, 1, b"")
    assert store.chunks(sid, 0, 1) == [first]
    assert store.chunks(sid, 3, 5) == [first, second]
    assert store.chunks(sid, 5, 8) == [second, third]


def test_a_chunk_keeps_which_of_its_jobs_it_is_for(store: Store) -> None:
    picked = Chunk(0, 3, b"abc", (range(2, 4), range(1)))
    with store.transaction():
        sid = store.add_submission(1, "t", spec(again=(range(7, 9), range(5, 6))), NOW).sid
        store.add_chunk(sid, picked, NOW)
    assert store.chunks(sid, 2, 3) == [picked]
    submission = store.submission(sid)
    assert submission is not None
    assert submission.spec.again == (range(7, 9), range(5, 6))


def test_a_function_is_stored_once(store: Store) -> None:
    assert store.function(DIGEST) is None
    with store.transaction():
        store.add_function(DIGEST, b"first")
        store.add_function(DIGEST, b"second")
        store.add_function("large", BlobRef("functions/large", 5))
    assert store.function(DIGEST) == b"first"
    assert store.function("large") == BlobRef("functions/large", 5)


def test_chunks_are_signs_of_life_of_what_is_not_sealed(store: Store) -> None:
    with store.transaction():
        quiet, lively = (store.add_submission(1, t, spec(), NOW).sid for t in ("a", "b"))
        sealed = submit(store, 1)
    with store.transaction():
        store.add_chunk(lively, Chunk(0, 1, b""), later(10))
    assert store.unsealed(later(-1)) == []
    assert store.unsealed(later(5)) == [quiet]
    assert store.unsealed(later(10)) == [quiet, lively]
    assert store.of_account(1, unfinished=True) == sorted([quiet, lively, sealed.sid])


def test_an_account_has_its_unfinished_submissions(store: Store) -> None:
    waiting = submit(store, 1, ready=False)
    running, cid = claimed(store, 1)
    other = submit(store, 1, account=2)
    assert store.of_account(1, unfinished=True) == [waiting.sid, running.sid]
    with store.transaction():
        store.finish(cid, ended(running.sid, 0, 1))
    assert store.of_account(1, unfinished=True) == [waiting.sid]
    assert store.of_account(1, unfinished=False) == [waiting.sid, running.sid]
    assert store.of_account(2, unfinished=False) == [other.sid]


def test_the_newest_sealed_submissions_are_listed_with_what_people_look_for(store: Store) -> None:
    first, second = submit(store, 1), submit(store, 2, account=2)
    with store.transaction():
        store.add_submission(1, "unsealed", spec(), NOW)
        labelled = store.add_submission(1, "labelled", replace(spec(), label="Käse"), NOW)
        store.add_chunk(labelled.sid, Chunk(0, 1, b"packed"), NOW)
        store.seal(labelled.sid, 1, ready=True)
    newest = store.newest(10)
    assert [(found.sid, found.account) for found in newest] == [(labelled.sid, 1), (second.sid, 2), (first.sid, 1)]
    assert [found.label for found in newest] == ["Käse", None, None]
    assert newest[0].function_name == spec().function_name
    assert store.newest(1, before=labelled.sid) == [newest[1]]
    assert store.newest(10, before=first.sid) == []


@pytest.mark.parametrize("text", ["caf\udce9.txt", "\ud800", "a\0b", "'; DROP TABLE submissions; --", "\U0001f600"])
def test_any_text_that_python_has_can_be_a_label_and_a_name(store: Store, text: str) -> None:
    with store.transaction():
        made = store.add_submission(1, "any text", replace(spec(), label=text, function_name=text), NOW)
        store.add_chunk(made.sid, Chunk(0, 1, b"packed"), NOW)
        store.seal(made.sid, 1, ready=True)
    (found,) = store.newest(10)
    assert (found.label, found.function_name) == (text, text)


# --- the queue


def test_ready_ranges_come_by_priority_then_age(store: Store) -> None:
    a, b = submit(store, 2), submit(store, 2, priority=1)
    c, d = submit(store, 2, account=2), submit(store, 2, account=2, priority=-1)
    submit(store, 2, ready=False)
    everything = store.ready(10)
    assert [p.sid for p in everything] == [d.sid, b.sid, a.sid, c.sid]
    assert everything[0] == Pending(d.sid, 0, 2, 0, ready=True, account=2, priority=-1)
    assert [p.sid for p in store.ready(2)] == [d.sid, b.sid]
    assert [p.sid for p in store.ready(2, everything[1])] == [a.sid, c.sid]
    assert store.ready_accounts() == [1, 2]
    assert [p.sid for p in store.ready_of(1, 10)] == [b.sid, a.sid]
    assert [p.sid for p in store.ready_of(1, 10, everything[1])] == [a.sid]


def test_the_rest_of_a_range_comes_behind_the_range(store: Store) -> None:
    a, b = submit(store, 10), submit(store, 1)
    (first, _) = store.ready(2)
    with store.transaction():
        store.claim(a.sid, 0, 4, dispatcher=1, agent="")
    assert [(p.sid, p.lo, p.hi) for p in store.ready(5, first)] == [(a.sid, 4, 10), (b.sid, 0, 1)]


def test_released_jobs_are_ready(store: Store) -> None:
    submission = submit(store, 3, ready=False)
    assert (store.ready(1), store.ready_accounts()) == ([], [])
    assert places(store, submission) == [("pending", 0, False)] * 3
    with store.transaction():
        store.release(submission.sid)
    assert [p.sid for p in store.ready(1)] == [submission.sid]
    assert places(store, submission) == [("pending", 0, True)] * 3


def test_the_backlog_is_counted_by_account(store: Store) -> None:
    before = {account: (waiting, queued) for account, waiting, queued in store.backlog()}
    submit(store, 7, account=71)
    submit(store, 5, account=71, ready=False)
    with store.transaction():
        taken = submit(store, 4, account=72)
        store.claim(taken.sid, 1, 3, dispatcher=1, agent="")
        claimed(store, 6, account=73)
    now = {account: (waiting, queued) for account, waiting, queued in store.backlog() if account not in before}
    assert now == {71: (5, 7), 72: (0, 2)}


def test_the_longest_queues_are_those_of_submissions_with_most_jobs_left(store: Store) -> None:
    small, large = submit(store, 1_000_001), submit(store, 1_000_003, ready=False)
    with store.transaction():
        taken, _ = claimed(store, 1_000_004)
        store.claim(small.sid, 10, 20, dispatcher=1, agent="")
    assert store.longest_queues(2) == [(large.sid, 1_000_003), (small.sid, 999_991)]
    assert taken.sid not in dict(store.longest_queues(100))


def test_a_claim_takes_any_part_of_a_pending_range(store: Store) -> None:
    submission = submit(store, 10)
    with store.transaction():
        first = store.claim(submission.sid, 3, 5, dispatcher=7, agent="a")
        second = store.claim(submission.sid, 0, 3, dispatcher=7, agent="")
        third = store.claim(submission.sid, 9, 10, dispatcher=8, agent="")
    assert first == Claim(first.cid, submission.sid, 3, 5, 1, 7, "a")
    assert places(store, submission) == (
        [("claim", second.cid, 1)] * 3 + [("claim", first.cid, 1)] * 2 + [("pending", 0, True)] * 4
        + [("claim", third.cid, 1)]
    )  # fmt: skip
    assert store.claims(Stretch(submission.sid, 4, 9)) == [first]
    assert store.claims_of(7) == [second, first]
    assert [(p.lo, p.hi) for p in store.pending(Stretch(submission.sid, 0, 7))] == [(5, 7)]
    for lo, hi in ((4, 6), (8, 10), (6, 6), (0, 1)):
        with pytest.raises(ValueError, match="one pending range"), store.transaction():
            store.claim(submission.sid, lo, hi, dispatcher=7, agent="")


def test_cids_are_never_given_out_twice(store: Store) -> None:
    seen = set()
    submission = submit(store, 1)
    for _ in range(3):
        with store.transaction():
            cid = store.claim(submission.sid, 0, 1, dispatcher=1, agent="").cid
        with store.transaction():
            assert store.give_back(cid, 0, 1)
        seen.add(cid)
    assert len(seen) == 3


# --- moves


def test_jobs_in_claims_are_counted(store: Store) -> None:
    first, _ = claimed(store, 5)
    submission = submit(store, 20)
    assert store.claimed(whole(submission)) == 0
    with store.transaction():
        dispatcher = store.enlist("another", later(60))
        for lo in (0, 4, 10):
            store.claim(submission.sid, lo, lo + 3, dispatcher=dispatcher, agent="")
    assert (store.claimed(whole(submission)), store.claimed(whole(first))) == (9, 5)
    parts = {(1, 5): 3, (3, 4): 0, (11, 12): 1, (6, 6): 0, (12, 20): 1}
    assert {part: store.claimed(Stretch(submission.sid, *part)) for part in parts} == parts


def test_outcomes_leave_their_claim(store: Store) -> None:
    submission, cid = claimed(store, 10)
    with store.transaction():
        assert store.finish(cid, ended(submission.sid, 0, 2))
        assert store.finish(cid, ended(submission.sid, 5, 6, statuses=[ERROR]))
        assert store.finish(cid, ended(submission.sid, 9, 10))
    end = [(DONE, 1)]
    running = [("claim", cid, 1)]
    assert places(store, submission) == end * 2 + running * 3 + [(ERROR, 1)] + running * 3 + end
    with store.transaction():
        assert store.finish(cid, ended(submission.sid, 6, 9))
        assert store.finish(cid, ended(submission.sid, 2, 5))
    assert store.all_finished(whole(submission))
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in range(10)}


def test_late_and_foreign_outcomes_are_refused(store: Store) -> None:
    submission, cid = claimed(store, 4)
    other, _ = claimed(store, 4)
    with store.transaction():
        assert not store.finish(cid, ended(submission.sid, 0, 1, attempt=2))
        assert not store.finish(cid + 1000, ended(submission.sid, 0, 1))
        assert not store.finish(cid, ended(other.sid, 0, 1))
        assert not store.finish(cid, ended(submission.sid, 3, 5))
        assert store.finish(cid, ended(submission.sid, 0, 1))
        assert not store.finish(cid, ended(submission.sid, 0, 1))
        assert store.give_back(cid, 1, 2)
        assert not store.finish(cid, ended(submission.sid, 1, 2))
        assert not store.give_back(cid, 1, 2)
    assert places(store, submission) == [(DONE, 1), ("pending", 0, True)] + [("claim", cid, 1)] * 2


def test_lost_jobs_come_back_with_one_loss_more(store: Store) -> None:
    submission, cid = claimed(store, 6)
    with store.transaction():
        assert store.give_back(cid, 2, 4, lost="the machine \ud800 is gone", at=later(3))
        assert store.give_back(cid, 4, 6)
    assert places(store, submission) == (
        [("claim", cid, 1)] * 2 + [("pending", 1, True)] * 2 + [("pending", 0, True)] * 2
    )
    (loss,) = store.losses(Stretch(submission.sid, 3, 4))
    assert loss == Loss(submission.sid, 2, 4, 1, "the machine ? is gone", later(3))
    assert store.losses(Stretch(submission.sid, 4, 6)) == []
    with store.transaction():
        again = store.claim(submission.sid, 2, 4, dispatcher=1, agent="")
    assert again.attempt == 2
    with store.transaction():
        assert store.finish(again.cid, ended(submission.sid, 2, 4, attempt=2))


def test_returned_ranges_join_their_neighbours(store: Store) -> None:
    submission = submit(store, 100)
    with store.transaction():
        cids = [store.claim(submission.sid, i, i + 10, dispatcher=1, agent="").cid for i in range(0, 50, 10)]
        for i in (2, 0, 4, 1, 3):
            assert store.give_back(cids[i], i * 10, i * 10 + 10)
    assert [(p.lo, p.hi) for p in store.pending(whole(submission))] == [(0, 100)]


def test_ranges_of_two_submissions_never_join(store: Store) -> None:
    first, one = claimed(store, 5)
    second, two = claimed(store, 5)
    with store.transaction():
        store.give_back(one, 0, 5)
        store.give_back(two, 0, 3)
        store.finish(two, ended(second.sid, 3, 5))
    third, three = claimed(store, 2)
    with store.transaction():
        store.finish(three, ended(third.sid, 0, 2))
    assert places(store, first) == [("pending", 0, True)] * 5
    assert places(store, second) == [("pending", 0, True)] * 3 + [(DONE, 1)] * 2
    assert results(store, whole(third)) == {0: b"r0", 1: b"r1"}


def test_settling_takes_what_is_pending_and_nothing_else(store: Store) -> None:
    submission = submit(store, 20)
    with store.transaction():
        cid = store.claim(submission.sid, 5, 10, dispatcher=1, agent="").cid
        assert store.settle(Outcomes.uniform(submission.sid, 2, 18, KILLED, "no more"), at=NOW) == [(2, 5), (10, 18)]
        assert store.settle(Outcomes.uniform(submission.sid, 2, 18, KILLED, "no more"), at=NOW) == []
    end, ready = [(KILLED, 0)], [("pending", 0, True)]
    assert places(store, submission) == ready * 2 + end * 3 + [("claim", cid, 1)] * 5 + end * 8 + ready * 2
    row = store.outcomes(Stretch(submission.sid, 3, 4), columns=("error", "result"))[0]
    assert (row.lo, row.hi, bytes(row.bytes_of("error", 3)), row.is_uniform) == (3, 4, b"no more", True)


def test_a_million_jobs_settle_in_one_row(store: Store) -> None:
    submission = submit(store, 1_000_000, ready=False)
    before = store.size_bytes()
    with store.transaction():
        store.settle(Outcomes.uniform(submission.sid, 0, 999_999, KILLED, "killed"))
        store.settle(Outcomes.uniform(submission.sid, 999_999, 1_000_000, KILLED, "killed"))
    assert len(store.outcomes(whole(submission))) == 1
    assert store.size_bytes() - before < 65536
    assert store.counts(whole(submission)) == {KILLED: 1_000_000}
    assert store.first_failure(Stretch(submission.sid, 123_456, 1_000_000)) == 123_456


# --- dispatchers and facts


def test_a_lease_lapses_unless_it_is_renewed(store: Store) -> None:
    with store.transaction():
        a, b = store.enlist("a", later(10)), store.enlist("b", later(20))
    assert (store.dispatchers(), store.lapsed(later(10))) == ([a, b], [])
    assert store.lapsed(later(15)) == [a]
    with store.transaction():
        assert store.renew(a, later(30))
        store.discharge(b)
        assert not store.renew(b, later(30))
    assert (store.dispatchers(), store.lapsed(NOW + timedelta(hours=1))) == ([a], [a])
    with store.transaction():
        store.discharge(a)
        assert store.enlist("c", later(1)) > b


def test_facts_are_found_by_name_and_prefix(store: Store) -> None:
    with store.transaction():
        for name in ("key/1", "key/2", "key%", "other"):
            store.set_fact(name, name.upper())
        store.set_fact("key/1", "changed")
        store.set_fact("key/2", None)
        store.set_fact("absent", None)
    assert store.get_fact("key/1") == "changed"
    assert store.get_fact("key/2") is None
    assert store.facts("key") == {"key/1": "changed", "key%": "KEY%"}
    assert len(store.facts("")) == 3
