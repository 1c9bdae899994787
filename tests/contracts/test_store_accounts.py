"""What stores tell of accounts: how much they have, and which shared contents they may name."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from cloud.dispatch.ports import Store
from cloud.model import BlobRef, Chunk, CodeFile, Environment, Outcomes, Status, Stretch
from cloud.stores.sqlite import SQLiteStore
from tests.support.stores import DIGEST, NOW, claimed, ended, finished, spec, submit, whole


def test_an_account_without_anything_has_nothing(store: Store) -> None:
    submit(store, 5, account=2)
    assert (store.queued_jobs(1), store.stored_bytes(1), store.count_files(1)) == (0, 0, 0)


def test_queued_jobs_are_those_that_no_worker_has_ready_or_not(store: Store) -> None:
    submit(store, 5)
    submit(store, 7, ready=False)
    submit(store, 100, account=2)
    submission, cid = claimed(store, 3)
    assert store.queued_jobs(1) == 12
    with store.transaction():
        assert store.give_back(cid, 1, 3)
    assert store.queued_jobs(1) == 14
    assert submission.account == 1


def test_stored_bytes_are_arguments_outcomes_and_files_of_the_account_alone(store: Store) -> None:
    finished(store, 4, account=2, blobs={1: BlobRef("blob", 70_000)})
    assert store.stored_bytes(1) == 0
    submit(store, 3)
    assert store.stored_bytes(1) == len(b"arguments")
    with store.transaction():
        wanted = spec()
        submission = store.add_submission(1, "another", wanted, NOW)
        store.add_chunk(submission.sid, Chunk(0, 1, BlobRef("args", 1000)), NOW)
        store.seal(submission.sid, 1, ready=True)
        fid = store.upload(1, "file", NOW).fid
        store.add_file_piece(fid, 0, b"1234")
        store.add_file_piece(fid, 4, BlobRef("piece", 500))
    assert store.stored_bytes(1) == len(b"arguments") + 1000 + 504
    before = store.stored_bytes(1)
    submission, cid = claimed(store, 2)
    with store.transaction():
        assert store.finish(cid, ended(submission.sid, 0, 2, blobs={0: BlobRef("result", 9000)}))
    assert store.stored_bytes(1) > before + 9000


def test_what_accounts_have_is_added_up_as_it_comes_and_goes(store: Store) -> None:
    def tallies() -> list[dict[Status, int]]:
        return [store.tally(account) for account in (1, 2)]

    assert (store.tally(1), store.stored_bytes(1)) == ({}, 0)
    waits, runs = submit(store, 5, ready=False), submit(store, 20, account=2)
    with store.transaction():
        claim = store.claim(runs.sid, 2, 20, dispatcher=1, agent="")
        ends = [Status.DONE, Status.ERROR] * 8
        for lo in range(2, 18, 4):  # neighbours are merged
            some = ended(runs.sid, lo, lo + 4, statuses=ends[:4], blobs={lo: BlobRef(f"r{lo}", 70_000)})
            assert store.finish(claim.cid, some)
    assert tallies() == [
        {Status.WAITING: 5}, {Status.QUEUED: 2, Status.PROCESSING: 2, Status.DONE: 8, Status.ERROR: 8},
    ]  # fmt: skip
    held = store.stored_bytes(2)
    assert held > 4 * 70_000
    with store.transaction():
        store.settle(Outcomes.uniform(waits.sid, 0, 5, Status.STALLED, "no"))
        store.settle(Outcomes.uniform(runs.sid, 0, 2, Status.KILLED, "no"))
        assert store.finish(claim.cid, ended(runs.sid, 18, 20))
        store.delete(Stretch(runs.sid, 6, 9))  # in the middle of a row, with a blob
    assert tallies() == [{Status.STALLED: 5}, {Status.KILLED: 2, Status.DONE: 8, Status.ERROR: 7}]
    assert store.stored_bytes(2) < held - 69_000
    with store.transaction():
        fid = store.upload(2, "file", NOW).fid
        store.add_file_piece(fid, 0, b"1234")
        store.name_file(2, fid, "name", 4, "", NOW)
        begun = store.add_submission(1, "begun", spec(), NOW)
        store.add_chunk(begun.sid, Chunk(0, 2, b"of one that is given up"), NOW)
    with store.transaction():
        store.drop_unsealed(begun.sid)
        store.delete_file(fid)
        for submission in (waits, runs):
            store.delete(whole(submission))
    assert tallies() == [{}, {}]
    assert [store.stored_bytes(account) for account in (1, 2)] == [0, 0]


def test_a_job_that_ends_in_the_transaction_that_stores_it_is_counted(store: Store) -> None:
    with store.transaction():
        submission, cid = claimed(store, 1)
        assert store.finish(cid, ended(submission.sid, 0, 1, blobs={0: BlobRef("r", 70_000)}))
    assert store.tally(1) == {Status.DONE: 1}
    assert store.stored_bytes(1) > 70_000
    with store.transaction():
        store.delete(whole(submission))
    assert (store.tally(1), store.stored_bytes(1)) == ({}, 0)


def test_only_complete_files_are_counted(store: Store) -> None:
    with store.transaction():
        fid = store.upload(1, "one", NOW).fid
        store.upload(1, "two", NOW)
        store.name_file(1, fid, "name", 0, "", NOW)
    assert (store.count_files(1), store.count_files(2)) == (1, 0)


def test_who_has_shown_to_have_something_holds_it_and_nobody_else(store: Store) -> None:
    with store.transaction():
        store.note_held(1, ["a", "b"])
        store.note_held(1, ["b", "c"])
        store.note_held(2, [])
    assert store.not_held(1, ["d", "a", "c"]) == ["d"]
    assert store.not_held(2, ["c", "a"]) == ["c", "a"]
    assert store.not_held(2, []) == []


def test_what_is_gone_is_held_no_more(store: Store) -> None:
    submit(store, 1)
    with store.transaction():
        store.note_held(1, [DIGEST, "gone"])
        store.drop_unused_code(NOW + timedelta(days=1), 10)
    assert store.not_held(1, [DIGEST, "gone"]) == ["gone"]


def test_accounts_of_an_older_store_hold_what_their_jobs_used(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path)
    with store.transaction():
        store.put_code({"content": b"x"}, NOW)
        store.add_code("version", [CodeFile("a.py", "content", 1, False)], NOW)
    submit(store, 2, environment=Environment("t", code_version="version"))
    submit(store, 2, account=2)
    store.close()
    with closing(sqlite3.connect(path)) as older:  # as before migration 6
        older.execute("DROP TABLE holders")
        older.execute("PRAGMA user_version = 5")
    store = SQLiteStore(path)
    assert store.not_held(1, [DIGEST, "version", "content", "other"]) == ["other"]
    assert store.not_held(2, [DIGEST, "version", "content"]) == ["version", "content"]
    store.close()
