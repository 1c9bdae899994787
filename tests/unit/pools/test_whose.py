"""Which cloud a pool means, and that it stays with it."""

import pytest

import cloud
from cloud.client import sessions
from cloud.client.session import Session
from cloud.pools.whose import session_of
from tests.support.scripted_api import ScriptedApi


def test_it_may_be_a_module_a_session_or_nothing(session: Session) -> None:
    before = sessions.activate(session)
    try:
        for active in (None, cloud, session):
            assert session_of(active).api is session.api
    finally:
        sessions.activate(before)
    for odd in ("mp", 3, pytest):
        with pytest.raises(TypeError, match="must be the module"):
            session_of(odd)


def test_a_bound_session_does_not_follow_when_the_other_opens_again() -> None:
    opened: list[ScriptedApi] = []

    def open_api() -> ScriptedApi:
        opened.append(ScriptedApi(at_once=True))
        return opened[-1]

    session = Session(open_api)
    bound = session_of(session)
    assert bound.result(bound.call(abs, -1)) == 1
    session.close()
    assert bound.status(1) == "done"
    assert len(opened) == 1
    assert session.call(abs, -2).result() == 2
    assert len(opened) == 2
    assert bound.api is opened[0]
    session.close()
