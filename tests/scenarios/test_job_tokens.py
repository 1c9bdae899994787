"""Tokens of jobs: good while the claim lives, at every server of the store, also after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.tokens import JobTokens
from cloud.stores.sqlite import SQLiteStore
from cloud.testing import ManualClock, ScriptedEngine
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "jobs.db")
    yield world
    world.stop()


def token_of(world: World) -> str:
    (work,) = world.engine.running.values()
    return work.token


def later_server(world: World) -> JobTokens:
    """What another server of the store makes of tokens; it knows nothing but the store."""
    tokens = JobTokens(world.store, lambda: 0.0)
    with world.store.transaction():
        tokens.load()
    return tokens


def test_it_opens_the_account_of_the_job_while_the_job_runs_and_not_after(world: World) -> None:
    world.map(1)
    token = token_of(world)
    assert world.dispatcher.tokens.account_of(token) == 1
    world.engine.finish_all()
    world.tick()
    assert world.dispatcher.tokens.account_of(token) is None


def test_a_server_that_did_not_make_it_knows_it_as_well(world: World) -> None:
    world.map(1)
    token = token_of(world)
    assert later_server(world).account_of(token) == 1
    world.engine.finish_all()
    world.tick()
    assert later_server(world).account_of(token) is None


def test_a_claim_of_another_server_is_looked_up_once_in_two_seconds(world: World) -> None:
    world.map(1)
    now = [0.0]
    tokens = JobTokens(world.store, lambda: now[0])
    with world.store.transaction():
        tokens.load()
    token = token_of(world)
    assert tokens.account_of(token) == 1
    world.engine.finish_all()
    world.tick()
    assert tokens.account_of(token) == 1
    now[0] = 2.5
    assert tokens.account_of(token) is None


def test_what_was_changed_or_made_up_opens_nothing(world: World) -> None:
    world.map(1)
    token = token_of(world)
    about, _, mac = token.rpartition(".")
    others = [about[:-1] + "2." + mac, about, about + ".", token + "=", mac, "", ".", "é", "1.1.0.1.1.AAAA"]
    assert [world.dispatcher.tokens.account_of(other) for other in others] == [None] * len(others)


def test_the_secret_of_another_store_makes_other_tokens(world: World) -> None:
    world.map(1)
    store = SQLiteStore(":memory:")
    other = Dispatcher(store, world.blobs, ScriptedEngine(1, 1), ManualClock())
    assert other.tokens.account_of(token_of(world)) is None
    other.engine.abandon()
    store.close()


def test_a_job_that_went_back_into_the_queue_and_runs_again_has_another(world: World) -> None:
    world.map(1)
    before = token_of(world)
    world.crash()
    assert world.dispatcher.tokens.account_of(before) is None
    assert world.dispatcher.tokens.account_of(token_of(world)) == 1
