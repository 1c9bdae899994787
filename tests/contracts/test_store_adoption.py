"""The Store port: claims that go from one dispatcher to another."""

from cloud.dispatch.ports import Store
from tests.support.stores import NOW, ended, submit


def test_another_dispatcher_may_adopt_a_claim(store: Store) -> None:
    submission = submit(store, 10)
    with store.transaction():
        cid = store.claim(submission.sid, 0, 6, dispatcher=7, agent="a").cid
        store.claim(submission.sid, 6, 10, dispatcher=7, agent="b")
    with store.transaction():
        store.finish(cid, ended(submission.sid, 2, 4), at=NOW)  # what is left of it is in two parts
    with store.transaction():
        store.adopt(cid, 8)
    assert [(c.cid, c.lo, c.hi, c.attempt, c.agent) for c in store.claims_of(8)] == [
        (cid, 0, 2, 1, "a"), (cid, 4, 6, 1, "a"),
    ]  # fmt: skip
    assert [(c.lo, c.hi) for c in store.claims_of(7)] == [(6, 10)]
    with store.transaction():
        assert store.finish(cid, ended(submission.sid, 4, 6), at=NOW)
        store.give_back(cid, 0, 2)
    assert store.claims_of(8) == []
