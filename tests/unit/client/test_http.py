"""HTTP transport: every call there and back, repetitions, refusals, forks."""

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from cloud.client.http import Endpoint, HttpApi
from cloud.client.session import Session
from cloud.errors import CloudException, JobNotFound, NotAuthorised, ProtocolMismatch, ServerUnavailable
from cloud.wire import calls
from cloud.wire.message import encode
from tests.support.scripted_api import ScriptedApi
from tests.support.scripted_server import LastWords, Request, Server, http, serving, speaking_for
from tests.support.waiting import eventually


@pytest.fixture
def core() -> ScriptedApi:
    return ScriptedApi(at_once=True)


@pytest.fixture
def server(core: ScriptedApi) -> Iterator[Server]:
    with serving(speaking_for(core)) as server:
        yield server


@pytest.fixture
def http_api(server: Server) -> Iterator[HttpApi]:
    api = HttpApi(Endpoint(server.url, "7", "secret"), give_up_seconds=60)
    yield api
    api.close()


@pytest.fixture
def remote(http_api: HttpApi) -> Session:
    return Session(lambda: http_api)


def test_everything_a_session_does_works_over_http(remote: Session, core: ScriptedApi) -> None:
    jobs = remote.map(lambda x: x * x, range(1000))
    assert remote.result(jobs) == [i * i for i in range(1000)]
    assert list(remote.iresult(jobs[:10])) == [i * i for i in range(10)]
    assert remote.status(jobs[0]) == "done"
    remote.join(jobs)
    info = remote.info(jobs[3], ["stdout", "stderr", "args", "func_object"])[jobs[3]]
    assert (info["stdout"], info["stderr"], info["args"], info["func_object"](4)) == ("out\n", "\ufffd", (3,), 16)
    large = remote.call(lambda: b"x" * 1_000_000)
    assert remote.result(large) == b"x" * 1_000_000
    remote.kill(jobs[0], force=True)
    remote.kill()
    remote.delete(jobs[0])
    with pytest.raises(JobNotFound) as raised:
        remote.status(jobs[0])
    assert raised.value.jid == 1
    assert remote.api.describe()["protocol"] == 1
    remote.api.drop("nobody")
    assert core.dropped == ["nobody"]


def test_one_connection_carries_all_requests_with_the_key(remote: Session, server: Server) -> None:
    remote.result(remote.map(abs, range(10)))
    remote.status(1)
    assert server.connections == 1
    for request in server.requests:
        assert "Authorization: Basic NzpzZWNyZXQ=" in request.head
        assert f"Host: {server.url[7:]}" in request.head


def test_a_job_token_is_looked_up_for_each_request(server: Server) -> None:
    tokens = iter(["one", "two"])
    api = HttpApi(Endpoint(server.url, token=lambda: next(tokens)))
    api.describe()
    api.describe()
    assert ["Bearer one" in server.requests[0].head, "Bearer two" in server.requests[1].head] == [True, True]
    api.close()


def test_arrays_come_back_writable_and_large_arguments_are_not_joined(remote: Session, core: ScriptedApi) -> None:
    import numpy as np

    array = np.arange(500_000, dtype="f8")
    result = remote.result(remote.call(lambda a: a + 1, array))
    assert (result == array + 1).all()
    result[0] = 5


def test_requests_of_several_threads_use_several_connections(
    remote: Session, server: Server, core: ScriptedApi
) -> None:
    core.at_once = False
    held = remote.call(abs, -1)
    values: list[int] = []
    thread = threading.Thread(target=lambda: values.append(remote.result(held)))
    thread.start()
    eventually(lambda: len(server.requests) == 2)
    assert remote.status(held) == "queued"
    core.run(held)
    thread.join()
    assert values == [1]
    assert server.connections == 2


def test_an_idle_connection_that_the_server_closed_is_no_failure(remote: Session, server: Server) -> None:
    remote.call(abs, 1)
    for _ in range(3):
        server.hang_up()
        remote.call(abs, 1)
    assert server.connections == 4


def test_a_request_whose_answer_was_lost_is_repeated_and_done_once(core: ScriptedApi) -> None:
    answer = speaking_for(core)

    def lose_the_first(request: Request) -> bytes | None:
        said = answer(request)
        return None if request.number == 1 else said

    with serving(lose_the_first) as server:
        api = HttpApi(Endpoint(server.url))
        session = Session(lambda: api)
        assert session.call(abs, -1) == 1
        assert [request.op for request in server.requests] == ["submit", "submit"]
        assert len(core.jobs) == 1
        session.close()


BUSY = b"".join(bytes(part) for part in encode({"error": {"code": "unavailable", "msg": "busy", "retry": True}}))


@pytest.mark.parametrize(
    "trouble",
    [
        http(b"Bad Gateway", 502),
        http(BUSY),
        http(BUSY, 503),
        LastWords(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"),
        LastWords(b"HTTP/1.1 200 OK\r\n\r\nno length"),
        LastWords(b"SSH-2.0-OpenSSH\r\n\r\n"),
        LastWords(b"HTTP/1.1 200"),
        None,
    ],
    ids=["bad gateway", "busy", "busy 503", "cut short", "no length", "no http", "half a head", "nothing"],
)
def test_passing_trouble_is_sat_out(core: ScriptedApi, trouble: bytes | None) -> None:
    answer = speaking_for(core)
    with serving(lambda request: answer(request) if request.number > 2 else trouble) as server:
        api = HttpApi(Endpoint(server.url), give_up_seconds=60)
        assert api.describe()["protocol"] == 1
        assert len(server.requests) == 3
        api.close()


def test_patience_ends_with_an_error_that_says_what_happened() -> None:
    with socket.socket() as deaf:  # nobody else gets this port meanwhile
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        api = HttpApi(Endpoint(f"http://127.0.0.1:{port}"), give_up_seconds=0.1)
        with pytest.raises(
            ServerUnavailable, match=f"http://127.0.0.1:{port} cannot be reached: nothing listens at port {port} of"
        ) as raised:
            api.describe()
    assert raised.value.status is None, "no server said anything"
    assert raised.value.__cause__ is None
    assert "PICLOUD_URL" in str(raised.value)


def test_a_server_that_is_gone_is_looked_for_elsewhere(core: ScriptedApi) -> None:
    asked: list[Endpoint] = []
    with serving(speaking_for(core)) as second, serving(speaking_for(core)) as first:

        def reconnect(endpoint: Endpoint) -> Endpoint:
            asked.append(endpoint)
            return Endpoint(second.url)

        api = HttpApi(Endpoint(first.url), reconnect)
        api.describe()
        first.close()
        api.describe()
        assert [endpoint.url for endpoint in asked] == [first.url]
        assert (len(first.requests), len(second.requests)) == (1, 1)
        api.close()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            http(b"".join(calls.failed(NotAuthorised("wrong key", hint="cloud.setkey"))), 401),
            NotAuthorised,
            "wrong key",
        ),
        (http(b"who are you?", 401), NotAuthorised, "HTTP status 401: who are you"),
        (
            http(b"<html><head><title>Not\nhere</title></head>", 404),
            ProtocolMismatch,
            "status 404: Not here; this is not a picloud server",
        ),
        (http(b"hello"), ProtocolMismatch, "not a picloud server"),
        (
            http(b"", 302, "Location: https://new/\r\n"),
            ServerUnavailable,
            "set PICLOUD_URL to where it points: https://new/",
        ),
        (http(b"PC99" + bytes(30)), ProtocolMismatch, "expected a message that begins with b'PC01', got b'PC99'"),
        (http(b"PC01short"), CloudException, "cut short"),
    ],
)
def test_what_cannot_pass_is_said_at_once(answer: bytes, error: type[Exception], message: str) -> None:
    with serving(lambda request: answer) as server:
        api = HttpApi(Endpoint(server.url), give_up_seconds=0)
        with pytest.raises(error, match=message):
            api.describe()
        assert len(server.requests) == 1
        api.close()


def test_an_answer_in_chunks_is_put_together(core: ScriptedApi) -> None:
    whole = speaking_for(core)

    def in_chunks(request: Request) -> bytes:
        body = whole(request).partition(b"\r\n\r\n")[2]
        chunks = b"".join(
            b"%x;why=not\r\n%b\r\n" % (len(body[i : i + 7]), body[i : i + 7]) for i in range(0, len(body), 7)
        )
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\n"

    with serving(in_chunks) as server:
        api = HttpApi(Endpoint(server.url))
        assert api.describe() == api.describe() == {"version": "0", "protocol": 1}
        assert server.connections == 1
        api.close()


def test_a_provisional_answer_is_skipped(core: ScriptedApi) -> None:
    whole = speaking_for(core)
    with serving(lambda request: b"HTTP/1.1 100 Continue\r\n\r\n" + whole(request)) as server:
        api = HttpApi(Endpoint(server.url))
        assert api.describe()["protocol"] == 1
        api.close()


def test_a_server_that_refuses_a_large_request_early_is_heard() -> None:
    refusal = http(b"".join(calls.failed(NotAuthorised("wrong key"))), 401, "Connection: close\r\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(refusal)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        session = Session(lambda: HttpApi(Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}"), give_up_seconds=0))
        with pytest.raises(NotAuthorised, match="wrong key"):
            session.call(len, bytes(5_000_000))
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_process_uses_connections_of_its_own(http_api: HttpApi, server: Server) -> None:
    http_api.describe()
    pid = os.fork()
    if not pid:
        os._exit(0 if http_api.describe()["protocol"] == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert server.connections == 2
    http_api.describe()
    assert server.connections == 2


def test_ctrl_c_ends_a_wait_at_once_and_leaves_the_job(remote: Session, core: ScriptedApi, server: Server) -> None:
    core.at_once = False
    job = remote.call(abs, -1)

    def interrupt() -> None:
        eventually(lambda: any(request.op == "outcomes" for request in server.requests))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        remote.result(job)
    thread.join()
    assert remote.status(job) == "queued"
    core.run(job)
    assert remote.result(job) == 1
