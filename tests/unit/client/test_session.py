"""A session opens late, opens again, and survives threads and forks."""

import os
import sys
import threading

import pytest

from cloud.client.session import Session
from cloud.errors import ServerUnavailable
from tests.support.scripted_api import ScriptedApi


def test_it_opens_at_first_use_and_again_after_close() -> None:
    opened: list[ScriptedApi] = []

    def open_api() -> ScriptedApi:
        opened.append(ScriptedApi(at_once=True))
        return opened[-1]

    session = Session(open_api, about=lambda api: {"server_url": None})
    assert session.connection_info() == {"opened": False, "server_url": None}
    assert session.close() is False
    assert session.result(session.call(abs, -1)) == 1
    assert session.connection_info()["opened"] is True
    assert (session.close(), session.close()) == (True, False)
    assert opened[0].closed == 1
    assert session.result(session.call(abs, -2)) == 2
    assert len(opened) == 2
    session.close()


def test_what_cannot_be_opened_is_tried_again_at_the_next_use() -> None:
    tried: list[int] = []

    def open_api() -> ScriptedApi:
        tried.append(1)
        if len(tried) == 1:
            raise ServerUnavailable("not yet")
        return ScriptedApi(at_once=True)

    session = Session(open_api)
    with pytest.raises(ServerUnavailable):
        session.call(abs, 1)
    assert session.call(abs, 1) == 1


def test_threads_share_one_opening() -> None:
    opened: list[ScriptedApi] = []
    start = threading.Barrier(8)

    def open_api() -> ScriptedApi:
        opened.append(ScriptedApi(at_once=True))
        return opened[-1]

    session = Session(open_api)

    def use() -> None:
        start.wait()
        session.call(abs, 1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
    assert len(opened[0].jobs) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_process_opens_its_own_connection_and_leaves_the_parents_alone() -> None:
    opened: list[int] = []

    def open_api() -> ScriptedApi:
        opened.append(os.getpid())
        return ScriptedApi(at_once=True)

    session = Session(open_api)
    session.call(abs, 1)
    before = session.api
    session._lock.acquire()  # as another thread might hold it at the moment of the fork
    pid = os.fork()
    if not pid:
        good = session.result(session.call(abs, -5)) == 5 and opened[1:] == [os.getpid()]
        os._exit(0 if good else 1)
    session._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert session.api is before


def test_public_functions_use_the_session_that_is_active_at_the_call() -> None:
    import cloud
    from cloud.client import sessions

    one, two = (Session(lambda: ScriptedApi(at_once=True)) for _ in range(2))
    call = cloud.call
    before = sessions.activate(one)
    try:
        assert [call(abs, 1), call(abs, 1)] == [1, 2]
        sessions.activate(two)
        assert call(abs, 1) == 1
        assert cloud.result(1) == 1
        assert cloud.status([1]) == ["done"]
        assert cloud.is_simulated() is False
        assert cloud.running_on_cloud() is False
        assert cloud.finished_statuses == ["done", "stalled", "error", "killed"]
    finally:
        sessions.activate(before)
    assert "call" in dir(sys.modules["cloud"])
