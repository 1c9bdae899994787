"""Visits of the dashboard: links that are good once and for a while, cookies that outlive the server."""

import pytest

from cloud.errors import NotAuthorised
from cloud.server.dashboard.visits import LINK_SECONDS, VISIT_SECONDS, Visits
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
