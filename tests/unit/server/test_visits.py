"""Visits of the dashboard: links that are good once and for a while, cookies that outlive the server."""

from typing import Any, cast

import pytest

from cloud.dispatch.ports import Store
from cloud.errors import NotAuthorised
from cloud.server.dashboard.visits import LINK_SECONDS, MOST_LINKS, VISIT_SECONDS, Visits
from cloud.server.keys import Keys
from cloud.stores.sqlite import SQLiteStore


class Wall:
    """A clock that is set."""

    now = 1e9

    def __call__(self) -> float:
        return self.now


def test_a_link_is_good_once_and_for_five_minutes() -> None:
    store, wall = SQLiteStore(":memory:"), Wall()
    keys = Keys(store)
    visits = Visits(store, keys, wall)
    key = keys.make(3).key
    early, late = visits.link(key), visits.link(key)
    visit = visits.read(visits.by_link(early))
    assert visit is not None
    assert (visit.caller.account, visit.caller.key) == (3, key)
    with pytest.raises(NotAuthorised):
        visits.by_link(early)
    wall.now += LINK_SECONDS
    with pytest.raises(NotAuthorised):
        visits.by_link(late)
    store.close()


def test_a_link_is_good_at_every_server_of_the_store_and_once_at_all_of_them() -> None:
    store, wall = SQLiteStore(":memory:"), Wall()
    keys = Keys(store)
    one, other = Visits(store, keys, wall), Visits(store, keys, wall)
    token = one.link(keys.make(3).key)
    assert token not in str(store.facts("")), "who reads the store cannot sign in"
    cookie = other.by_link(token)
    assert one.read(cookie) is not None
    for visits in (one, other):
        with pytest.raises(NotAuthorised):
            visits.by_link(token)
    store.close()


def test_links_that_nobody_used_are_forgotten_and_only_so_many_are_kept() -> None:
    store, wall = SQLiteStore(":memory:"), Wall()
    keys = Keys(store)
    visits = Visits(store, keys, wall)
    key = keys.make(3).key
    first = visits.link(key)
    wall.now += 1
    later = [visits.link(key) for _ in range(MOST_LINKS)]
    assert len(store.facts("dashboard/link/")) == MOST_LINKS
    with pytest.raises(NotAuthorised):
        visits.by_link(first)
    visits.by_link(later[0])
    wall.now += LINK_SECONDS
    visits.link(key)
    assert len(store.facts("dashboard/link/")) == 1
    store.close()


def test_servers_that_begin_at_the_same_time_trust_each_others_cookies() -> None:
    store = SQLiteStore(":memory:")
    made = Keys(store).make(3)

    class Behind:
        """A server that asked for the secret just before the other one had made it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def get_fact(self, name: str) -> str | None:
            found = store.get_fact(name)
            if name.endswith("/secret") and found is None:
                cookies.append(Visits(store, Keys(store)).by_key(made.key, made.secret))
            return found

    cookies: list[str] = []
    behind = Visits(cast(Store, Behind()), Keys(store))
    cookies.append(behind.by_key(made.key, made.secret))
    assert len(cookies) == 2
    for visits in (behind, Visits(store, Keys(store))):
        assert all(visits.read(cookie) is not None for cookie in cookies)
    store.close()


def test_a_cookie_outlives_the_server_but_not_its_time_or_its_key() -> None:
    store, wall = SQLiteStore(":memory:"), Wall()
    keys = Keys(store)
    made = keys.make(3)
    cookie = Visits(store, keys, wall).by_key(made.key, made.secret)
    later = Visits(store, keys, wall)
    assert later.read(cookie) is not None
    keys.set_active(made.key, active=False)
    assert later.read(cookie) is None
    keys.set_active(made.key, active=True)
    wall.now += VISIT_SECONDS + 1
    assert later.read(cookie) is None
    store.close()


def test_signing_out_ends_a_visit_and_every_copy_of_its_cookie_but_no_other_visit() -> None:
    store, wall = SQLiteStore(":memory:"), Wall()
    keys = Keys(store)
    made = keys.make(3)
    visits = Visits(store, keys, wall)
    cookie, other = (visits.by_key(made.key, made.secret) for _ in range(2))
    visits.end(cookie)
    assert visits.read(cookie) is None
    assert Visits(store, keys, wall).read(cookie) is None
    assert visits.read(other) is not None
    visits.end("made.up.cookie.x")
    wall.now += VISIT_SECONDS + 1
    visits.end(visits.by_key(made.key, made.secret))
    assert len(store.facts("dashboard/ended/")) == 1, "what is too old anyway is forgotten"
    store.close()


def test_a_cookie_of_another_server_or_none_at_all_opens_nothing() -> None:
    ours, others = SQLiteStore(":memory:"), SQLiteStore(":memory:")
    made = Keys(ours).make(1)
    cookie = Visits(ours, Keys(ours)).by_key(made.key, made.secret)
    visits = Visits(others, Keys(others))
    Keys(others).make(1)
    for wrong in (cookie, "", ".", "é.1", "1.x.y." + "0" * 64, cookie.upper()):
        assert visits.read(wrong) is None
    ours.close()
    others.close()
