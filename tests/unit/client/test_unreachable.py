"""A server that cannot be reached, or refuses: one short error that says which, why, and what to do next."""

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cloud
from cloud.client import sessions
from cloud.client.http import Endpoint, HttpApi
from cloud.client.session import Session
from cloud.errors import CloudException, NotAuthorised, ServerUnavailable
from cloud.pool_interface import Pool
from cloud.testing import ManualClock
from cloud.wire import calls
from tests.support.scripted_server import http, serving

CALLS: dict[str, Callable[[], Any]] = {
    "call": lambda: cloud.call(abs, -1),
    "call with a callback": lambda: cloud.call(abs, -1, _callback=print),
    "map": lambda: cloud.map(abs, [-1]),
    "join": lambda: cloud.join(1),
    "result": lambda: cloud.result(1),
    "iresult": lambda: list(cloud.iresult(1)),
    "iresult_unordered": lambda: list(cloud.iresult_unordered(1)),
    "status": lambda: cloud.status(1),
    "info": lambda: cloud.info(1),
    "output": lambda: cloud.output(1),
    "output followed": lambda: list(cloud.output(1, follow=True)),
    "stack": lambda: cloud.stack(1),
    "why": lambda: cloud.why(1),
    "rerun": lambda: cloud.rerun(1),
    "kill": lambda: cloud.kill(1),
    "delete": lambda: cloud.delete(1),
    "handle": lambda: cloud.Job(1).info(),
    "property of a handle": lambda: cloud.Job(1).status,
    "handles": lambda: cloud.Jobs(range(3)).result(),
    "files.list": lambda: cloud.files.list(),
    "files.putf": lambda: cloud.files.putf("text", "name"),
    "account.list_keys": lambda: cloud.account.list_keys("1", "secret"),
    "Pool": lambda: Pool(2).map(abs, [-1]),
    "Executor": lambda: cloud.Executor().submit(abs, -1),
    "aio.status": lambda: asyncio.run(cloud.aio.status(1)),
    "aio.result": lambda: asyncio.run(cloud.aio.result(1)),
    "await": lambda: asyncio.run(_awaited()),
}


async def _awaited() -> Any:
    return await cloud.Job(1)


@contextlib.contextmanager
def speaking_to(url: str, **more: Any) -> Iterator[None]:
    """`cloud` speaks to this address, and gives up at once."""
    session = Session(lambda: HttpApi(Endpoint(url, "7", "secret"), give_up_seconds=0, **more))
    before = sessions.activate(session)
    try:
        yield
    finally:
        sessions.activate(before)
        session.close()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nothing listens, and which nobody else gets meanwhile."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


@pytest.mark.parametrize("name", CALLS)
def test_every_call_raises_one_short_error(name: str, nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_URL", nowhere)
    with speaking_to(nowhere), pytest.raises(ServerUnavailable) as raised:
        CALLS[name]()
    error = raised.value
    assert f"the server at {nowhere} cannot be reached: nothing listens at port" in str(error)
    assert error.hint is not None
    assert "PICLOUD_URL" in error.hint
    assert "\nDuring handling" not in "".join(traceback.format_exception(error))
    assert "direct cause" not in "".join(traceback.format_exception(error))
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}cloud{os.sep}" in frame.filename]
    assert len(ours) == 1


def said(url: str) -> str:
    """What the first request to an address ends with."""
    with speaking_to(url), pytest.raises(CloudException) as raised:
        cloud.result(1)
    return str(raised.value)


def test_a_name_that_nobody_knows_is_told() -> None:
    assert "no machine named no-such-host.invalid is known here" in said("http://no-such-host.invalid:8000")


def test_a_password_in_an_address_is_not_told(nowhere: str) -> None:
    text = said(nowhere.replace("://", "://somebody:hush@"))
    assert f"the server at {nowhere} cannot be reached" in text
    assert "hush" not in text


def test_the_server_of_this_user_is_not_looked_for_at_an_address(nowhere: str) -> None:
    with speaking_to(nowhere, reconnect=lambda endpoint: endpoint), pytest.raises(ServerUnavailable) as raised:
        cloud.result(1)
    assert "`picloud logs` shows what it said last" in str(raised.value)


def test_a_server_that_refuses_a_key_is_named_with_the_key() -> None:
    refusal = http(b"".join(calls.failed(NotAuthorised("the key or its secret is wrong", hint="cloud.setkey"))), 401)
    with serving(lambda request: refusal) as server:
        assert said(server.url) == (
            f"the server at {server.url} refuses key 7: the key or its secret is wrong\nTIP: cloud.setkey"
        )


def test_how_long_it_was_asked_is_told(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    by_hand = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.advance)
    monkeypatch.setattr("cloud.client.http.time", by_hand)
    monkeypatch.setattr("cloud.client.http.random.uniform", lambda _, most: most)
    api = HttpApi(Endpoint(nowhere), give_up_seconds=5)
    with pytest.raises(ServerUnavailable, match=r"; it was asked again for 3 seconds\n"):  # 0.05, twice as much, ...
        api.describe()


def test_an_address_that_should_not_say_tls_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_as_plain_http() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                while connection.recv(1000):
                    pass

        thread = threading.Thread(target=answer_as_plain_http)
        thread.start()
        there = f"127.0.0.1:{listener.getsockname()[1]}"
        text = said(f"https://{there}")
        thread.join()
    assert f"what listens at {there} does not speak TLS" in text
    assert f"may have to be http://{there}" in text


@pytest.fixture
def with_tls(tmp_path: Path) -> Iterator[str]:
    """host:port of something that speaks TLS with a certificate of its own."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "certificate",
            "-days", "2", "-subj", "/CN=localhost"]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True, cwd=tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            while True:
                try:
                    plain = listener.accept()[0]
                except OSError:
                    return
                with plain:
                    try:
                        tls.wrap_socket(plain, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=shake_hands)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_address_that_should_say_tls_is_told(with_tls: str) -> None:
    text = said(f"http://{with_tls}")
    assert f"what listens at {with_tls} speaks TLS" in text
    assert f"may have to be https://{with_tls}" in text


def test_a_certificate_that_is_not_trusted_is_told_at_once(with_tls: str) -> None:
    assert "self-signed certificate\nTIP: name the file of the authority" in said(f"https://{with_tls}")
