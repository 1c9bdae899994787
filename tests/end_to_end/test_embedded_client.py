"""The server that starts by itself, as a client sees it: found, shared, replaced."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloud.client import connect, embedded
from cloud.client.session import Session
from cloud.config import Settings
from tests.support.gates import Gate
from tests.support.waiting import eventually


@pytest.fixture
def session(home: Path) -> Iterator[Session]:
    session = connect.network_session()
    yield session
    session.close()


def server_pid() -> int:
    return int(embedded._card(_folder())["pid"])


def _folder() -> str:
    from cloud.config import state_directory

    return state_directory(Settings.from_environment().home)


def test_the_first_use_starts_a_server_that_others_find(session: Session, home: Path) -> None:
    jid = session.call(lambda x: x * x, 7)
    assert session.result(jid) == 49
    said = subprocess.run(
        [sys.executable, "-c", f"import cloud; print(cloud.result({jid}), cloud.connection_info()['server_url'])"],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout.split()  # fmt: skip
    assert said == ["49", session.connection_info()["server_url"]]


def test_the_server_is_nobodys_child_and_keeps_no_terminal(session: Session) -> None:
    session.call(abs, 1)
    pid = server_pid()
    assert os.getsid(pid) != os.getsid(0)
    with open(f"/proc/{pid}/status") as file:
        parent = next(int(line.split()[1]) for line in file if line.startswith("PPid:"))
    assert parent != os.getpid()
    assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_clients_that_come_at_once_start_one_server(home: Path) -> None:
    def use(number: int) -> tuple[int, str]:
        session = connect.network_session()
        value = session.result(session.call(abs, -number))
        url = session.connection_info()["server_url"]
        session.close()
        return value, url

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(use, range(1, 5)))
    assert [value for value, _ in answers] == [1, 2, 3, 4]
    assert len({url for _, url in answers}) == 1


def test_a_killed_server_is_back_at_the_next_use_with_all_results(session: Session) -> None:
    jid = session.call(abs, -3)
    assert session.result(jid) == 3
    before = server_pid()
    os.kill(before, signal.SIGKILL)
    assert session.result(jid) == 3
    assert session.result(session.call(abs, -4)) == 4
    assert server_pid() != before


def test_a_wait_outlives_its_server(session: Session, tmp_path: Path) -> None:
    gate = Gate(str(tmp_path))
    jid = session.call(gate.stop)
    gate.wait_for()
    os.kill(server_pid(), signal.SIGKILL)
    gate.open()
    assert session.result(jid, timeout=300) is None


def pretend(**said: str) -> None:
    """Have server.json say this of the server."""
    path = os.path.join(_folder(), "server.json")
    with open(path) as file:
        card = json.load(file)
    with open(path, "w") as file:
        json.dump({**card, **said}, file)


def test_an_older_server_makes_room_for_a_newer_client_and_nothing_is_lost(session: Session) -> None:
    jid = session.call(abs, -3)
    assert session.result(jid) == 3
    before = server_pid()
    pretend(version="0.0.9")
    session.close()
    assert session.result(jid) == 3
    assert server_pid() != before
    session.close()
    assert session.status(jid) == "done"
    pretend(version="1000.0")
    session.close()
    again = server_pid()
    assert session.status(jid) == "done"
    assert server_pid() == again


def test_a_server_whose_virtual_environment_was_removed_makes_room(
    session: Session, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    jid = session.call(abs, -3)
    assert session.result(jid) == 3
    before = server_pid()
    gone = str(tmp_path / "venv" / "bin" / "python")
    pretend(executable=gone)
    session.close()
    with caplog.at_level(logging.INFO, "Cloud"):
        assert session.result(jid) == 3
    assert server_pid() != before
    assert f"{gone}, which is gone: it made room" in caplog.text


def test_an_older_server_with_work_goes_on_and_is_used(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    import time

    jid = session.call(time.sleep, 60)
    eventually(lambda: session.status(jid) == "processing")
    before = server_pid()
    pretend(version="0.0.9")
    session.close()
    with caplog.at_level(logging.WARNING, "Cloud"):
        assert session.status(jid) == "processing"
    assert server_pid() == before
    assert "1 of its jobs run" in caplog.text
    said = subprocess.run([sys.executable, "-m", "cloud.cli", "start"], capture_output=True, text=True, check=True)
    assert f"(process {before})" in said.stdout
    assert "it is of version 0.0.9, older than this one, and runs jobs" in said.stderr
    session.kill(jid, force=True)
    eventually(lambda: session.status(jid) == "killed")
    session.close()
    assert session.status(jid) == "killed"
    assert server_pid() != before
