"""Large values of a server whose blobs are in an object store: they pass the server by, and never hold it up."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.api import DIRECT_MIN_BYTES, NewChunk
from cloud.client import connect
from cloud.client.http import HttpApi
from cloud.client.session import Session
from cloud.errors import InvalidSubmission, JobNotFound
from cloud.wire import calls
from tests.support.objects import KEYS, Traffic, object_store
from tests.support.served import part_of
from tests.support.team import TeamServer
from tests.support.waiting import eventually

LARGE = 10 * DIRECT_MIN_BYTES
"""Bytes; read in several parts."""


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """What the object store is asked."""
    return Traffic()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, traffic: Traffic) -> Iterator[TeamServer]:
    """On SQLite and an object store, with one worker."""
    folder = tmp_path_factory.mktemp("team")
    traffic.flows.set()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with object_store(tmp_path_factory.mktemp("objects") / "buckets", traffic) as url_of:
            server = TeamServer(str(folder / "state"), folder, blobs=url_of("jobs"))
            yield server
            assert server.end() == 0


@pytest.fixture
def cloud(server: TeamServer, traffic: Traffic, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A client of it that has just begun."""
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    traffic.seen.clear()
    session = connect.network_session()
    yield session
    traffic.refused_links = 0
    traffic.flows.set()
    session.close()


def test_large_arguments_and_results_pass_the_server_by(cloud: Session, traffic: Traffic) -> None:
    text = bytearray(os.urandom(LARGE))
    jid = cloud.call(lambda data: data + data[:1], text)
    assert traffic.linked("PUT") == 1
    result = cloud.result(jid)
    assert result == text + text[:1]
    assert traffic.linked("GET") == LARGE // (8 << 20) + 1
    assert sum(size for _, size, linked in traffic.seen if not linked) < 1.5 * LARGE, "the server sent only the result"


def test_large_items_of_a_map_are_put_and_small_ones_sent(cloud: Session, traffic: Traffic) -> None:
    items = [b"a" * 10, b"b" * LARGE, b"c" * 10]
    assert cloud.result(cloud.map(len, items)) == [10, LARGE, 10]
    assert traffic.linked("PUT") == 1


def test_a_link_that_runs_out_on_the_way_is_replaced_by_another(cloud: Session, traffic: Traffic) -> None:
    jid = cloud.call(bytes, LARGE)
    cloud.join(jid)
    traffic.refused_links = 2
    assert cloud.result(jid) == bytes(LARGE)
    assert cloud.api._direct.reads  # type: ignore[attr-defined]


def test_where_links_do_not_work_everything_goes_through_the_server(
    cloud: Session, server: TeamServer, traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    traffic.refused_links = 1000
    text = os.urandom(LARGE)
    assert cloud.result(cloud.call(lambda data: data, text)) == text
    assert cloud.result(cloud.call(lambda data: data, text)) == text
    assert traffic.linked("PUT") == 1, "it is not tried again soon"
    assert [record for record in caplog.records if record.name == "Cloud.direct"]
    for said in (caplog.text, Path(server.log).read_text()):
        assert "Signature" not in said, "a link is a secret"


def test_a_store_that_does_not_answer_holds_up_nobody_who_does_not_need_it(
    cloud: Session, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpApi, "past_server", False)
    assert cloud.result(cloud.call(abs, -1)) == 1
    jid = cloud.call(bytes, LARGE)
    cloud.join(jid)
    traffic.seen.clear()
    traffic.flows.clear()
    jids: list[int] = []
    thread = threading.Thread(target=lambda: jids.append(cloud.call(len, b"x" * LARGE)))
    thread.start()
    eventually(lambda: traffic.seen)
    assert cloud.result(cloud.call(abs, -2)) == 2, "the server is at work, and no transaction is held"
    large = cloud.call(bytes, LARGE)
    assert cloud.result(cloud.call(abs, -4)) == 4, "the result of the job before is on its way"
    assert cloud.status([jid, large]) == ["done", "processing"]
    assert not jids
    traffic.flows.set()
    assert cloud.result(large) == bytes(LARGE)
    thread.join()
    assert cloud.result(jids[0]) == LARGE
    traffic.flows.clear()
    cloud.delete(jid)
    assert cloud.result(cloud.call(abs, -3)) == 3, "blobs are deleted beside"
    traffic.flows.set()


def test_what_is_said_to_be_put_and_is_not_there_is_asked_for(server: TeamServer) -> None:
    part = part_of(len, [b"x" * 100])
    header, _ = server.ask(calls.submit(part, {0}))
    receipt = calls.read_receipt(header)
    assert (receipt.missing_chunks, receipt.jids) == (True, None)
    header, _ = server.ask(calls.submit(part))
    jids = calls.read_receipt(header).jids
    assert jids is not None
    assert server.results(jids) == [100]
    header, _ = server.ask(calls.submit(part, {0}))
    assert calls.read_receipt(header).missing_chunks, "what was put, not what was submitted, is looked for"


def test_links_are_given_for_ones_own_jobs_and_sensible_chunks_only(server: TeamServer) -> None:
    many = [NewChunk(i, 1, [b"x"]) for i in range(65)]
    with pytest.raises(InvalidSubmission, match="65 links"):
        server.ask(calls.links("t", many))
    with pytest.raises(InvalidSubmission, match="malformed"):
        server.ask(calls.links("t", [NewChunk(-1, 1, [b"x"])]))
    jids = server.submit(bytes, [LARGE])
    server.wait((jids,))
    for name in ("results/1/0-1", "../jobs.db", "early/1/x"):
        with pytest.raises(JobNotFound):
            server.ask(calls.ask("read", None, jid=jids.start + 1000, blob=name, direct=True))
        with pytest.raises(JobNotFound):
            server.ask(calls.ask("read", None, jid=jids.start, blob="not/" + name.strip("./"), direct=True))
