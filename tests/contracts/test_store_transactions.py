"""The Store contract: all of a transaction or nothing, also when the disk is full or the process dies."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud.dispatch.ports import Store
from cloud.errors import ProtocolMismatch, ServerUnavailable, StoreFull
from cloud.model import Chunk, Status
from cloud.stores.specs import environment_text, spec_text
from cloud.stores.sqlite import SQLiteStore, migrations
from cloud.stores.statements import scripts
from tests.support.stores import NOW, claimed, ended, finished, places, results, spec, submit, whole
from tests.support.waiting import eventually


class Oops(Exception):
    """Something a caller did wrong."""


def test_nothing_of_a_failed_transaction_stays(store: Store) -> None:
    before, cid = claimed(store, 3)
    with pytest.raises(Oops), store.transaction():
        store.finish(cid, ended(before.sid, 0, 2))
        submit(store, 5)
        store.give_back(cid, 2, 3)
        store.set_fact("a", "b")
        raise Oops
    assert places(store, before) == [("claim", cid, 1)] * 3
    assert store.of_account(1, unfinished=False) == [before.sid]
    assert (store.ready(10), store.get_fact("a")) == ([], None)
    with store.transaction():
        assert store.finish(cid, ended(before.sid, 0, 3))
    after = submit(store, 1)
    assert store.find_token(1, after.token) == after


def test_how_a_lone_job_ended_outlives_the_failure_of_the_next_transaction(store: Store) -> None:
    before, cid = claimed(store, 1)
    with store.transaction():
        assert store.finish(cid, ended(before.sid, 0, 1, result=[b"kept"]))
    with pytest.raises(Oops), store.transaction():
        submit(store, 1)
        raise Oops
    assert places(store, before) == [(Status.DONE, 1)]
    assert results(store, whole(before)) == {0: b"kept"}
    assert store.counts(whole(before)) == {Status.DONE: 1}


def test_how_a_lone_job_ended_is_gone_with_its_transaction(store: Store) -> None:
    before, cid = claimed(store, 1)
    with pytest.raises(Oops), store.transaction():
        assert store.finish(cid, ended(before.sid, 0, 1))
        assert store.counts(whole(before)) == {Status.DONE: 1}
        raise Oops
    assert (places(store, before), store.counts(whole(before))) == ([("claim", cid, 1)], {})


def test_an_inner_transaction_joins_the_outer_one(store: Store) -> None:
    with pytest.raises(Oops), store.transaction():
        with store.transaction():
            store.set_fact("inner", "1")
        raise Oops
    assert store.get_fact("inner") is None


def test_a_swallowed_inner_failure_is_not_committed(store: Store) -> None:
    with pytest.raises(RuntimeError, match="swallowed"), store.transaction():
        store.set_fact("outer", "1")
        with pytest.raises(Oops), store.transaction():
            raise Oops
    assert store.get_fact("outer") is None


def test_writing_outside_a_transaction_is_refused(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside transaction"):
        store.set_fact("a", "b")
    with pytest.raises(RuntimeError, match="inside transaction"):
        store.add_submission(1, "t", spec(), NOW)


def test_what_was_written_is_read_in_the_same_transaction(store: Store) -> None:
    with store.transaction():
        submission = store.add_submission(1, "t", spec(), NOW)
        assert store.find_token(1, "t") == submission
        store.add_chunk(submission.sid, Chunk(0, 2, b""), NOW)
        assert store.unsealed(NOW) == [submission.sid]
        assert store.of_account(1, unfinished=True) == [submission.sid]
        sealed = store.seal(submission.sid, 2, ready=True)
        assert store.at_jids(sealed.jids) == [sealed]
        assert [p.sid for p in store.ready(1)] == [sealed.sid]
        assert store.unsealed(NOW) == []


def test_a_store_remembers_everything_when_it_is_opened_again(make_store: Callable[[], Store]) -> None:
    store = make_store()
    submission = finished(store, 10)
    running, cid = claimed(store, 2)
    store.close()
    store = make_store()
    assert results(store, whole(submission)) == {i: b"r%d" % i for i in range(10)}
    assert store.submission(submission.sid) == submission
    assert store.chunks(submission.sid, 0, 10) == [Chunk(0, 10, b"arguments")]
    with store.transaction():
        assert store.finish(cid, ended(running.sid, 0, 2))
    store.close()


# --- SQLite's own


def test_a_second_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.stores.sqlite.connection._BUSY_SECONDS", 0.01)
    first = SQLiteStore(tmp_path / "jobs.db")
    submit(first, 1)
    with pytest.raises(ServerUnavailable, match=r"jobs\.db is in use by another process"):
        SQLiteStore(tmp_path / "jobs.db")
    submit(first, 1)
    first.close()
    SQLiteStore(tmp_path / "jobs.db").close()


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    submit(store, 1)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    store.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    import sqlite3

    SQLiteStore(tmp_path / "jobs.db").close()
    db = sqlite3.connect(tmp_path / "jobs.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(ProtocolMismatch, match="newer version of picloud"):
        SQLiteStore(tmp_path / "jobs.db")


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    monkeypatch.setattr(migrations, "scripts", lambda package: {n: s for n, s in scripts(package).items() if n <= 4})
    db = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    migrations.migrate(db, "jobs.db")
    db.execute("INSERT INTO codes VALUES (1, ?, ?)", (spec().function, environment_text(spec().environment)))
    db.execute("INSERT INTO submissions VALUES (1, 1, 'token', 1, 0, NULL, 1, 3, ?)", (spec_text(spec()),))
    db.execute("INSERT INTO chunks VALUES (1, 0, 3, 1, NULL, 'x')")
    db.close()
    monkeypatch.undo()
    store = SQLiteStore(tmp_path / "jobs.db")
    (submission,) = store.at_jids(range(1, 2))
    (chunk,) = store.chunks(submission.sid, 0, 3)
    assert (chunk.count, chunk.picks) == (3, ())
    store.close()


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    import sqlite3

    db = sqlite3.connect(tmp_path / "jobs.db")
    db.execute("CREATE TABLE precious (a)")
    db.close()
    with pytest.raises(ProtocolMismatch, match="another program"):
        SQLiteStore(tmp_path / "jobs.db")
    (tmp_path / "text").write_text("no database at all, but long enough to look at" * 100)
    with pytest.raises(ServerUnavailable, match="not a database"):
        SQLiteStore(tmp_path / "text")
    with pytest.raises(ServerUnavailable, match="no-such-folder"):
        SQLiteStore(tmp_path / "no-such-folder" / "jobs.db")


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path, swallowed: bool) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    kept, cid = claimed(store, 10)
    store._db.execute("PRAGMA max_page_count = 100")
    with pytest.raises((StoreFull, RuntimeError)) as raised, store.transaction():
        store.finish(cid, ended(kept.sid, 0, 5))
        try:
            store.add_function("large", bytes(1_000_000))
        except StoreFull:
            if not swallowed:
                raise
        store.set_fact("after", "1")
    if not swallowed:
        assert str(tmp_path / "jobs.db") in str(raised.value)
        assert "free space" in str(raised.value)
    assert places(store, kept) == [("claim", cid, 1)] * 10
    assert store.get_fact("after") is None
    with store.transaction():
        assert store.finish(cid, ended(kept.sid, 0, 10))
    assert store.counts(whole(kept)) == {Status.DONE: 10}
    store.close()


def test_a_disk_that_is_really_full_loses_nothing_either(tiny_disk: Path) -> None:
    store = SQLiteStore(tiny_disk / "jobs.db")
    kept, cid = claimed(store, 10)
    stored = 0
    with pytest.raises(StoreFull, match=r"jobs\.db cannot grow"):
        for stored in range(1000):
            with store.transaction():
                store.add_function(str(stored), bytes(5000))
    with pytest.raises(StoreFull), store.transaction():
        store.finish(cid, ended(kept.sid, 0, 5))
        store.add_function("large", bytes(100_000))
    assert all(store.function(str(i)) == bytes(5000) for i in range(stored))
    assert store.function(str(stored)) is None
    store.close()
    subprocess.run(["mount", "-o", "remount,size=4m", str(tiny_disk)], check=True)
    store = SQLiteStore(tiny_disk / "jobs.db")
    assert places(store, kept) == [("claim", cid, 1)] * 10
    with store.transaction():
        assert store.finish(cid, ended(kept.sid, 0, 10))
    assert all(store.function(str(i)) == bytes(5000) for i in range(stored))
    store.close()


WRITER = """
import sys
from tests.support.stores import claimed, ended, submit
from cloud.stores.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
with store.transaction():
    store.enlist("writer", __import__("datetime").datetime.now(__import__("datetime").UTC))
while True:
    submission, cid = claimed(store, 20)
    for lo in range(0, 20, 4):
        with store.transaction():
            store.finish(cid, ended(submission.sid, lo, lo + 2))
            store.give_back(cid, lo + 2, lo + 4, lost="again" if lo % 8 else None)
        print(submission.sid, lo, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    root = Path(__file__).parents[2]
    acknowledged: dict[int, int] = {}
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=root,
            env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "/bin"},
        )  # fmt: skip
        assert writer.stdout is not None
        for _, line in zip(range(37), writer.stdout, strict=False):
            sid, lo = map(int, line.split())
            acknowledged[sid] = lo
        writer.send_signal(signal.SIGKILL)
        writer.stdout.close()
        eventually(lambda process=writer: process.poll() is not None)  # type: ignore[misc]
        store = SQLiteStore(path)
        for sid, lo in acknowledged.items():
            submission = store.submission(sid)
            assert submission is not None
            found = places(store, submission)
            assert None not in found
            for start in range(0, lo + 1, 4):
                assert found[start : start + 2] == [(Status.DONE, 1)] * 2
                assert found[start + 2 : start + 4] == [("pending", 1 if start % 8 else 0, True)] * 2
        store.close()
    assert len(acknowledged) > 15
