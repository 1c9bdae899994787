"""Two server processes' cores on one PostgreSQL: they share the work, wake each other, and take over from the dead."""

import select
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest

from cloud.dispatch.lease import LEASE_DURATION, RENEW_EVERY_SECONDS
from cloud.dispatch.ports import News
from cloud.dispatch.waiters import Waiter
from cloud.errors import LimitExceeded, ServerUnavailable
from cloud.model import Status, Stretch
from tests.support.postgres import Cluster
from tests.support.stores import places
from tests.support.waiting import eventually
from tests.support.world import World


@pytest.fixture
def worlds(postgres: Cluster) -> Iterator[tuple[World, World]]:
    """Two dispatchers with engines and clocks of their own, on one store."""
    from cloud.stores.postgres.store import PostgresStore

    url = postgres.url()
    both = tuple(World(slots=2, open_store=lambda: PostgresStore(url), sole=False) for _ in range(2))
    both[1]._tokens = count(1000)  # tokens are an account's, wherever they are sent
    yield both[0], both[1]
    for world in both:
        world.stop()


def _until(world: World, condition: Callable[[], object]) -> None:
    """Ticks as its process does: when there is something to hear."""

    def looked() -> object:
        signals = world.store.signals
        assert signals is not None
        if select.select([signals.fileno()], [], [], 0)[0]:
            world.tick()
        return condition()

    eventually(looked)


def _listens(world: World) -> None:
    """Wait until it does: from then on it is told what happens, and how. To be said before its first tick."""
    heard = world.store.signals.fileno()
    eventually(lambda: select.select([heard], [], [], 0)[0])


def _answers(world: World) -> bool:
    try:
        world.store.dispatchers()
    except ServerUnavailable:
        return False
    return True


def _everywhere(world: World, jids: range) -> list[object]:
    (submission,) = world.store.at_jids(jids)
    return places(world.store, submission)


def test_a_queue_is_worked_off_by_both(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids = one.map(4)
    assert len(one.engine.running) == 2
    _until(other, lambda: other.engine.running)
    assert len(other.engine.running) == 2
    assert one.status(jids) == ["processing"] * 4
    one.engine.finish_all()
    other.engine.finish_all()
    one.tick()
    other.tick()
    assert one.status(jids) == other.status(jids) == ["done"] * 4
    assert _everywhere(other, jids) == [(Status.DONE, 1)] * 4


def test_who_waits_at_one_is_woken_by_the_other(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids = one.map(1)
    question = other.jobs.wait_question((jids,), timeout_seconds=None, stop_on_failure=False)
    assert question.look(0.0) is None
    answers: list[object] = []
    other.dispatcher.waiters.add(Waiter(question.sids, lambda: answers.append(question.look(0.0))))
    changes: list[set[int] | None] = []
    other.dispatcher.on_change = lambda step: changes.append(None if step is None else step.touched)
    _until(other, lambda: None in changes)  # it listens: whatever was before, it may have missed
    changes.clear()
    one.run_all()
    _until(other, lambda: answers and answers[-1] is not None)
    assert set(question.sids) in changes


def test_a_kill_reaches_the_engine_that_runs_the_job(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids = one.map(2)
    other.jobs.kill((jids[:1],), force=True)
    _until(one, lambda: one.engine.killed)
    assert one.engine.killed[0][1:3] == (0, 1)
    assert other.status(jids) == ["killed", "processing"]


def test_a_kill_is_told_with_its_commit_or_not_at_all(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = worlds
    _listens(one)
    jids = one.map(2)
    one.tick()
    tell, signals = other.store.signals.tell, other.store.signals

    def away_behind_the_commit(news: News) -> None:
        if not other.store._depth:
            raise ServerUnavailable("the connection was lost")
        tell(news)

    monkeypatch.setattr(signals, "tell", away_behind_the_commit)
    other.jobs.kill((jids[:1],), force=True)
    _until(one, lambda: one.engine.killed)
    assert other.status(jids) == ["killed", "processing"]


def test_what_waits_is_released_whoever_ends_what_it_waits_for(worlds: tuple[World, World]) -> None:
    one, other = worlds
    parents = one.map(2)
    children = other.map(2, depends_on=(parents,))
    assert other.status(children) == ["waiting"] * 2
    one.engine.finish_all()
    one.tick()
    assert set(other.status(children)) <= {"queued", "processing"}
    _until(other, lambda: one.engine.running or other.engine.running)
    for world in worlds:
        world.run_all()
    assert one.status(children) == ["done"] * 2


def test_jobs_of_a_dispatcher_that_is_gone_run_at_the_other_once_its_lease_is_over(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids, careful = one.map(1), one.map(1, restartable=False)
    assert len(one.engine.running) == 2
    other.clock.advance(LEASE_DURATION.total_seconds() - RENEW_EVERY_SECONDS)
    other.tick()
    assert other.status(jids, careful) == ["processing", "processing"]
    other.clock.advance(2 * RENEW_EVERY_SECONDS)
    other.tick()
    assert other.status(jids, careful) == ["processing", "error"]
    assert [work.claim.attempt for work in other.engine.running.values()] == [2]
    one.engine.finish_all()  # it was not gone, only slow: too late
    one.tick()
    assert other.status(jids, careful) == ["processing", "error"]
    other.run_all()
    assert _everywhere(one, jids) == [(Status.DONE, 2)]
    assert _everywhere(one, careful) == [(Status.ERROR, 1)]
    more = one.map(1)
    one.clock.advance(2 * RENEW_EVERY_SECONDS)  # it notices that it was given up, and begins afresh
    one.tick()
    for world in worlds:
        world.run_all()
    assert one.status(more) == ["done"]


def test_jobs_that_another_took_over_are_killed_there(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = worlds
    _listens(other)  # who missed a kill looks for it, and asks the job to end
    jids = one.map(1)
    monkeypatch.setattr(other.engine, "adopt", lambda claims, _: {c.cid: (range(c.lo, c.hi),) for c in claims})
    for _ in range(2):
        other.clock.advance(LEASE_DURATION.total_seconds() - RENEW_EVERY_SECONDS)
        other.tick()
    assert other.dispatcher.running().total() == 1
    one.jobs.kill((jids,), force=True)  # it has not noticed yet
    _until(other, lambda: other.engine.killed)
    assert other.engine.killed[0][3]


def test_what_another_took_is_forgotten_although_nobody_was_taken_for_dead(worlds: tuple[World, World]) -> None:
    one, other = worlds  # as where a server that starts again finds its agents with one that had them meanwhile
    jids, mine = one.map(1), one.map(1)
    (taken,) = one.store.claims(Stretch(one.store.at_jids(jids)[0].sid, 0, 1))
    with other.store.transaction():
        other.store.adopt(taken.cid, max(other.store.dispatchers()))
    token = one.engine.running[taken.cid].token
    one.clock.advance(2 * RENEW_EVERY_SECONDS)
    one.tick()
    assert one.dispatcher.running().total() == 1
    assert one.status(jids, mine) == ["processing"] * 2
    with other.store.transaction():
        other.store.give_back(taken.cid, 0, 1)
    assert one.dispatcher.tokens.account_of(token) is None


def test_jobs_of_an_agent_that_a_server_took_which_then_did_not_live_are_lost(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = worlds
    offer = one.engine.offer
    monkeypatch.setattr(
        one.engine, "offer", lambda wanted, **more: [replace(seat, agent="taken") for seat in offer(wanted, **more)]
    )
    jids, careful = one.map(1), one.map(1, restartable=False)
    other.engine.slots = 0
    for _ in range(3):  # who took it has as long as a lease to say so in the store
        one.clock.advance(RENEW_EVERY_SECONDS)
        other.clock.advance(RENEW_EVERY_SECONDS)
        one.tick()
        other.tick()
        assert one.status(jids, careful) == ["processing"] * 2
    one.clock.advance(2 * RENEW_EVERY_SECONDS)
    one.tick()
    assert one.status(jids, careful) == ["queued", "error"]
    assert _everywhere(one, jids) == [("pending", 1, True)]


def test_nobody_is_taken_for_dead_because_the_database_was_away(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids, elsewhere = one.map(2, restartable=False), other.map(2, restartable=False)
    for world in worlds:  # nobody could renew anything for so long
        world.clock.advance(4 * LEASE_DURATION.total_seconds())
    newcomer = World(slots=0, open_store=one.open_store, sole=False)
    newcomer.clock.advance(5 * LEASE_DURATION.total_seconds())
    newcomer.tick()
    for world in worlds:
        world.tick()
        world.run_all()
    assert one.status(jids, elsewhere) == ["done"] * 4
    newcomer.stop()


def test_who_stops_in_order_leaves_its_jobs_to_the_other_at_once(worlds: tuple[World, World]) -> None:
    one, other = worlds
    jids = one.map(2)
    one.dispatcher.close()
    one.engine.abandon()
    one.dispatcher.resign()
    _until(other, lambda: other.engine.running)
    other.run_all()
    assert _everywhere(other, jids) == [(Status.DONE, 2)] * 2


def test_outcomes_wait_for_a_database_that_is_being_restarted(worlds: tuple[World, World], postgres: Cluster) -> None:
    one, other = worlds
    jids = one.map(6)
    other.tick()
    postgres.stop()
    one.engine.finish_all()
    one.tick()
    assert one.dispatcher.behind
    with pytest.raises(ServerUnavailable) as refused:
        other.map(1)
    assert refused.value.retry
    postgres.start()
    for world in worlds:
        eventually(lambda: _answers(world))  # noqa: B023
        world.clock.advance(1.0)
        world.tick()
    while one.status(jids) != ["done"] * 6:
        for world in worlds:
            world.engine.finish_all()
            world.tick()
    assert _everywhere(one, jids) == [(Status.DONE, 1)] * 6


# --- limits of accounts


def test_a_limit_of_queued_jobs_holds_at_all_servers_together(worlds: tuple[World, World]) -> None:
    one, other = worlds
    one.dispatcher.accounts.change(2, limits={"queued_jobs": 4})
    one.engine.slots = other.engine.slots = 0
    one.map(3, account=2)
    with pytest.raises(LimitExceeded, match="it has 3, and 2 more would come"):
        other.map(2, account=2)
    other.map(1, account=2)
    with pytest.raises(LimitExceeded):
        one.map(1, account=2)


def test_servers_never_give_an_account_more_slots_together_than_it_may_have(worlds: tuple[World, World]) -> None:
    one, other = worlds
    one.dispatcher.accounts.change(2, limits={"slots": 3})
    one.map(20, account=2)
    _until(other, lambda: other.engine.running)
    for _ in range(3):
        assert len(one.engine.running) + len(other.engine.running) == 3
        for world in worlds:
            world.engine.finish_all()
            world.tick()
