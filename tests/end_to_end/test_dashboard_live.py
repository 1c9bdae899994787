"""The stream that tells open pages of changes: who may listen, what is told, when it ends."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.looking import Look
from tests.support.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


@pytest.fixture
def visitor(server: Served) -> Look:
    """Somebody with a key."""
    return Look(server).sign_in(server.card["key"], server.card["secret"])


class Stream:
    """A listening page."""

    def __init__(self, visitor: Look) -> None:
        self.connection = visitor.server.connect()
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self.connection.request("GET", "/live", headers={"Cookie": cookie})
        self.answer = self.connection.getresponse()

    def event(self) -> str:
        """The next one's name; '' at the end."""
        while line := self.answer.readline():
            if line.startswith(b"event: "):
                return line[7:].decode().strip()
        return ""

    def close(self) -> None:
        self.connection.close()


def listening(visitor: Look) -> Stream:
    """One whose first bytes have come: from then on nothing is missed."""
    stream = Stream(visitor)
    assert stream.answer.status == 200
    assert stream.answer.readline() == b"retry: 2000\n"
    return stream


def identity(x: object) -> object:
    return x


def other_account(server: Served) -> Look:
    _, _, body = server.request("POST", "/v1/keys", json.dumps({"new_account": True}).encode())
    made = json.loads(body)
    return Look(server).sign_in(made["api_key"], made["api_secretkey"])


def test_a_change_is_told_and_a_proxy_is_asked_not_to_hold_it_back(server: Served, visitor: Look) -> None:
    with closing(listening(visitor)) as stream:
        assert stream.answer.getheader("content-type", "").startswith("text/event-stream")
        assert (stream.answer.getheader("x-accel-buffering"), stream.answer.getheader("cache-control")) == (
            "no", "no-store",
        )  # fmt: skip
        server.submit(identity, [1])
        assert stream.event() == "changed"


def test_without_a_visit_there_is_no_stream(server: Served) -> None:
    answer = Look(server).get("/live")
    assert answer.path.startswith("/sign-in")
    status, headers, _ = server.request("HEAD", "/live", headers={})
    assert (status, headers["location"].startswith("sign-in")) == (303, True)


def test_asking_only_for_the_head_opens_none(server: Served, visitor: Look) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    assert server.request("HEAD", "/live", headers={"Cookie": cookie})[0] == 200


def test_of_several_commits_that_follow_each_other_quickly_few_events_come(server: Served, visitor: Look) -> None:
    with closing(listening(visitor)) as stream, closing(listening(other_account(server))) as other:
        jids = [server.submit(identity, [x]) for x in range(100)]
        server.wait(tuple(jids))
        assert stream.event() == "changed"
        assert stream.event() == "changed"  # what came behind the first is told together
        other.connection.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.event()


def test_a_stream_ends_when_its_visit_does(server: Served, visitor: Look) -> None:
    with closing(listening(visitor)) as stream:
        visitor.get("/jobs").press("sign-out")
        assert stream.event() == "over"
        assert stream.event() == ""


def test_so_many_streams_of_one_account_and_no_more(server: Served, visitor: Look) -> None:
    from cloud.server.dashboard.watchers import MOST_OF_ONE_ACCOUNT

    streams: list[Stream] = []
    try:
        for _ in range(MOST_OF_ONE_ACCOUNT):
            streams.append(listening(visitor))  # noqa: PERF401  - closed below if one fails
        with closing(Stream(visitor)) as refused:
            assert refused.answer.status == 503
        with closing(listening(other_account(server))):
            pass
    finally:
        for stream in streams:
            stream.close()


def test_open_streams_do_not_hold_up_a_server_that_stops(tmp_path_factory: pytest.TempPathFactory) -> None:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "1")
    visitor = Look(served).sign_in(served.card["key"], served.card["secret"])
    with closing(listening(visitor)) as stream:
        assert served.end() == 0
        try:
            assert stream.event() in ("over", "")
        except (http.client.HTTPException, ConnectionError):
            pass


def test_while_nobody_listens_the_core_tells_nothing() -> None:
    from types import SimpleNamespace
    from typing import Any

    from cloud.server.dashboard.watchers import Watchers

    core: Any = SimpleNamespace(dispatcher=SimpleNamespace(on_change=None))
    watchers = Watchers(core)
    first, second = watchers.add(1), watchers.add(1)
    assert core.dispatcher.on_change is not None
    watchers.remove(first)
    assert core.dispatcher.on_change is not None
    watchers.remove(second)
    assert (core.dispatcher.on_change, len(watchers)) == (None, 0)
