"""What the PostgreSQL store promises beyond the Store contract: several processes at once, and a database that goes
away at any moment."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cloud.errors import ServerUnavailable
from cloud.model import Chunk, Status, Stretch
from cloud.stores.postgres import link, turns
from cloud.stores.postgres.link import Link
from cloud.stores.postgres.store import PostgresStore
from tests.support.postgres import Cluster
from tests.support.stores import NOW, claimed, ended, finished, later, places, results, spec, submit, whole
from tests.support.waiting import eventually

DONE = Status.DONE


@pytest.fixture(autouse=True)
def _connecting_takes_its_time() -> Iterator[None]:
    """A machine that is slow just now is no database that is away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloud.stores.postgres.link.AGAIN_SECONDS", 60.0)
        yield


@pytest.fixture
def impatient() -> Iterator[None]:
    """The database is away: nothing comes of waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloud.stores.postgres.link.AGAIN_SECONDS", 0.05)
        yield


@pytest.fixture
def url(postgres: Cluster) -> str:
    """Of a schema that nobody has used."""
    return postgres.url()


@pytest.fixture
def one(url: str) -> Iterator[PostgresStore]:
    """One process's store."""
    store = PostgresStore(url)
    yield store
    store.close()


@pytest.fixture
def other(url: str, one: PostgresStore) -> Iterator[PostgresStore]:
    """Another's, on the same schema."""
    store = PostgresStore(url)
    yield store
    store.close()


def cut(store: PostgresStore) -> None:
    """The database ends this store's connection, as when it is restarted."""
    assert store._db is not None
    db = Link(store.address).open()
    db.execute(b"SELECT pg_terminate_backend(%s::int, 5000)", (store._db.info.backend_pid,))
    db.close()


# --- several processes


def test_numbers_are_given_out_once_however_many_ask(url: str) -> None:
    found: list[range] = []

    def work() -> None:
        store = PostgresStore(url)
        found.extend(submit(store, n).jids for n in range(1, 16))
        store.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.sort(key=lambda jids: jids.start)
    assert [jids.start for jids in found] == [1, *(jids.stop for jids in found[:-1])]
    assert len(found) == 60


def test_what_one_commits_the_other_sees(one: PostgresStore, other: PostgresStore) -> None:
    submission, cid = claimed(one, 4)
    assert other.submission(submission.sid) == submission
    with other.transaction():
        assert other.finish(cid, ended(submission.sid, 0, 2))
    with one.transaction():  # although it holds its claim in memory
        assert not one.finish(cid, ended(submission.sid, 1, 3))
        assert one.finish(cid, ended(submission.sid, 2, 4))
    assert results(other, whole(submission)) == {i: b"r%d" % i for i in range(4)}
    with other.transaction():
        other.delete(whole(submission))
    with one.transaction():
        assert one.submission(submission.sid) is None
        assert one.at_jids(submission.jids) == []


@pytest.mark.parametrize("adopted", [False, True])
def test_a_claim_that_two_processes_take_from_is_remembered_rightly_by_both(
    one: PostgresStore, other: PostgresStore, adopted: bool
) -> None:
    submission, cid = claimed(one, 6)
    with other.transaction():
        if adopted:
            other.adopt(cid, 2)
        assert other.give_back(cid, 0, 1)
    with one.transaction():
        assert one.finish(cid, ended(submission.sid, 1, 3))
    with other.transaction():  # although it looked at the claim before
        assert not other.give_back(cid, 2, 4)
        assert other.give_back(cid, 3, 4)
    with one.transaction():
        assert not one.finish(cid, ended(submission.sid, 3, 4))
        assert one.finish(cid, ended(submission.sid, 4, 6))
    assert [place[0] for place in places(one, submission)] == ["pending", DONE, DONE, "pending", DONE, DONE]


def test_a_submission_begun_at_one_is_sealed_at_the_other(one: PostgresStore, other: PostgresStore) -> None:
    with one.transaction():
        begun = one.add_submission(1, "t", spec(), NOW)
        one.add_chunk(begun.sid, Chunk(0, 2, b"packed"), NOW)
    with other.transaction():
        sealed = other.seal(begun.sid, 2, ready=True)
    assert one.submission(begun.sid) == sealed
    with one.transaction():
        one.claim(begun.sid, 0, 2, dispatcher=1, agent="")
    assert len(other.claims(whole(sealed))) == 1


def test_transactions_take_turns(one: PostgresStore, other: PostgresStore) -> None:
    order = []

    def write() -> None:
        with other.transaction():
            order.append(other.get_fact("turn"))

    with one.transaction():
        one.set_fact("turn", "one was here")
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.05)
        assert order == []
    thread.join()
    assert order == ["one was here"]


def test_what_is_read_together_is_of_one_moment(one: PostgresStore, other: PostgresStore) -> None:
    submission, cid = claimed(one, 1)
    with one.reading():
        assert len(one.claims(whole(submission))) == 1
        with other.transaction():
            other.finish(cid, ended(submission.sid, 0, 1))
        assert one.outcomes(whole(submission)) == []
    assert len(one.outcomes(whole(submission))) == 1


def test_claims_without_a_lease_count_as_lapsed(one: PostgresStore, other: PostgresStore) -> None:
    with one.transaction():
        gone, there = one.enlist("gone", later(99)), one.enlist("there", later(99))
        submission = submit(one, 2)
        one.discharge(gone)
        one.claim(submission.sid, 0, 1, dispatcher=gone, agent="")
        one.claim(submission.sid, 1, 2, dispatcher=there, agent="")
    assert other.lapsed(NOW) == [gone]


def test_leases_hold_although_clocks_differ_or_jump(
    one: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with one.transaction():
        mine = one.enlist("one", later(15))
    true = time.time
    for minutes in (5, -5):  # the other's clock is set while it runs
        monkeypatch.setattr("cloud.stores.postgres.link.time.time", lambda: true() + 60 * minutes)  # noqa: B023
        wrong = timedelta(minutes=minutes)
        assert other.lapsed(later(5) + wrong) == []
        assert other.lapsed(later(25) + wrong) == [mine]


# --- round trips


def test_a_lone_call_is_stored_and_claimed_in_three_round_trips(one: PostgresStore) -> None:
    claimed(one, 1)
    assert one.function(spec().function) is not None  # it and its environment are known from here on
    before = one.round_trips
    with one.transaction():
        assert one.find_token(1, "new") is None
        assert one.function(spec().function) is not None
        sid = one.add_submission(1, "new", spec(), NOW).sid
        one.add_chunk(sid, Chunk(0, 1, b"packed"), NOW)
        one.seal(sid, 1, ready=True)
        one.claim(sid, 0, 1, dispatcher=1, agent="")
    assert one.round_trips - before <= 3


def test_its_outcome_is_stored_in_two(one: PostgresStore) -> None:
    submission, cid = claimed(one, 1)
    before = one.round_trips
    with one.transaction():
        assert one.finish(cid, ended(submission.sid, 0, 1))
        assert one.behind(whole(submission)) == []
    assert one.round_trips - before <= 2


def test_many_rows_take_no_more_round_trips_than_few(one: PostgresStore) -> None:
    parents = [submit(one, 1) for _ in range(300)]
    before = one.round_trips
    with one.transaction():
        child = submit(one, 1, ready=False)
        one.add_barrier(child.sid, [whole(parent) for parent in parents])
    assert one.round_trips - before <= 5
    assert len(one.barrier(child.sid)) == 300
    assert one.behind(whole(parents[150])) == [child.sid]


# --- a database that goes away


def test_a_connection_lost_between_transactions_is_not_noticed(one: PostgresStore) -> None:
    submission, cid = claimed(one, 2)
    cut(one)
    assert places(one, submission) == [("claim", cid, 1)] * 2
    cut(one)
    with one.transaction():
        assert one.finish(cid, ended(submission.sid, 0, 2))
    cut(one)
    with one.reading():
        assert one.all_finished(whole(submission))


def test_a_connection_lost_in_a_transaction_leaves_nothing_of_it(one: PostgresStore) -> None:
    submission, cid = claimed(one, 2)
    with pytest.raises(ServerUnavailable) as lost, one.transaction():
        assert one.finish(cid, ended(submission.sid, 0, 1))
        cut(one)
        assert one.get_fact("anything") is None
    assert lost.value.retry
    assert places(one, submission) == [("claim", cid, 1)] * 2
    with one.transaction():
        assert one.finish(cid, ended(submission.sid, 0, 2))


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    one: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    submission, cid = claimed(one, 3)
    send, wait = PostgresStore._send, PostgresStore._synchronise

    def lose(store: PostgresStore, sql: str, values: Any = ()) -> Any:
        if sql != "COMMIT":
            return send(store, sql, values)
        monkeypatch.undo()
        if not arrived:
            cut(store)
        send(store, sql, values)
        wait(store)
        raise psycopg.OperationalError("the connection was lost")

    def write() -> None:
        with one.transaction():
            one.finish(cid, ended(submission.sid, 0, 3))
            monkeypatch.setattr(PostgresStore, "_send", lose)

    if arrived:
        write()
    else:
        with pytest.raises(ServerUnavailable):
            write()
    assert other.all_finished(whole(submission)) == arrived
    assert one.all_finished(whole(submission)) == arrived
    assert one.submission(submit(one, 1).sid) is not None


@pytest.mark.usefixtures("impatient")
def test_while_the_database_is_away_nobody_waits_for_it(
    postgres: Cluster, one: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = finished(one, 3)
    connect, tries, go_on = psycopg.connect, [], threading.Event()

    def black_hole(*_: Any, **__: Any) -> Any:  # a host that answers nothing, not even no
        tries.append(threading.current_thread())
        go_on.wait(120)
        raise psycopg.OperationalError("the time is over")

    monkeypatch.setattr("cloud.stores.postgres.link.psycopg.connect", black_hole)
    postgres.stop()
    for _ in range(3):
        with pytest.raises(ServerUnavailable, match="does not answer") as away:
            one.all_finished(whole(submission))
        assert away.value.retry
    (trying,) = eventually(lambda: tries)
    assert trying is not threading.current_thread()
    postgres.start()
    monkeypatch.setattr("cloud.stores.postgres.link.psycopg.connect", connect)
    go_on.set()
    assert eventually(lambda: _unless_away(lambda: results(one, Stretch(submission.sid, 0, 1)))) == {0: b"r0"}
    trying.join()


@pytest.mark.usefixtures("impatient")
def test_a_store_that_is_closed_tries_no_more(postgres: Cluster, one: PostgresStore) -> None:
    finished(one, 1)
    postgres.stop()
    before = threading.enumerate()
    with pytest.raises(ServerUnavailable):
        one.get_fact("x")
    (trying,) = (t for t in threading.enumerate() if t not in before and t.name == "picloud-connect")
    one.close()
    trying.join()
    postgres.start()


def _unless_away(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ServerUnavailable:
        return None


def test_a_crash_of_the_database_loses_nothing_that_was_committed(postgres: Cluster, one: PostgresStore) -> None:
    import signal

    submission, cid = claimed(one, 5)
    with one.transaction():
        one.finish(cid, ended(submission.sid, 0, 2))
    postgres.stop(signal.SIGQUIT)
    postgres.start()
    assert results(one, whole(submission)) == {0: b"r0", 1: b"r1"}
    with one.transaction():
        assert one.finish(cid, ended(submission.sid, 2, 5))


def hangs(store: PostgresStore) -> bool:
    """Whether the database waits for it in the middle of what it sends, which does not count as being idle."""
    assert store._db is not None
    state = b"SELECT state, wait_event FROM pg_stat_activity WHERE pid = %s::int"
    with Link(store.address).open() as db:
        return db.execute(state, (store._db.info.backend_pid,)).fetchone() == ("active", "ClientRead")


def test_a_process_that_stops_in_its_turn_does_not_hold_up_the_others_for_ever(
    one: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(link._SESSION, "lock_timeout", "1s")
    monkeypatch.setattr(turns, "HUNG_SECONDS", 0.5)
    with pytest.raises(ServerUnavailable) as told, one.transaction():
        one.set_fact("turn", "one was here")
        eventually(lambda: hangs(one))
        other = PostgresStore(url)
        with other.transaction():
            other.set_fact("turn", "other was here")
        other.close()
        one.get_fact("turn")
    assert told.value.retry
    assert one.get_fact("turn") == "other was here"


def test_who_is_at_work_in_its_turn_is_waited_for(
    one: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(link._SESSION, "lock_timeout", "200ms")
    with one.transaction():
        one.set_fact("turn", "one was here")
        with pytest.raises(ServerUnavailable) as told:
            PostgresStore(url)
        one.get_fact("turn")
    assert told.value.retry
    assert one.get_fact("turn") == "one was here"
