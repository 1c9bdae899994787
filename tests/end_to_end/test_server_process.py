"""The embedded server as a process: one per folder, detached, back after a crash, gone when idle or told to."""

import errno
import json
import os
import signal
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.errors import ServerUnavailable, StoreFull
from cloud.model import Status
from cloud.server.embedded import refusal_of
from cloud.wire import calls
from cloud.wire.message import decode
from tests.support import processes
from tests.support.served import Refused, Served, keep_port
from tests.support.waiting import eventually

Start = Callable[..., Served]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server in this test's home; whatever still runs at the end is killed."""
    started: list[Served] = []
    keep_port(str(tmp_path))

    def new(*arguments: str, **environment: str) -> Served:
        served = Served(str(tmp_path), "--workers", "1", *arguments, environment=environment)
        started.append(served)
        return served

    yield new
    for served in started:
        served.end(signal.SIGKILL)


def test_it_leaves_session_folder_and_descriptors_of_its_starter(start: Start) -> None:
    readable, writable = os.pipe()
    os.set_inheritable(writable, True)
    server = start()
    os.close(writable)
    assert os.getsid(server.pid) == server.pid
    assert os.readlink(f"/proc/{server.pid}/cwd") == "/"
    assert os.read(readable, 1) == b"", "the server kept a descriptor of ours open"
    os.close(readable)
    terminals = [os.readlink(f"/proc/{server.pid}/fd/{fd}") for fd in (0, 1, 2)]
    assert terminals[0] == os.devnull
    assert all(name.endswith("server.log") for name in terminals[1:])


def test_what_it_says_of_itself_is_enough_to_use_it(start: Start) -> None:
    card = start().card
    assert {"url", "pid", "key", "secret", "version", "protocol", "server_id"} <= set(card)


def test_sigterm_ends_it_in_order_and_the_next_one_knows_everything(start: Start) -> None:
    server = start()
    jids = server.submit(lambda x: x + 1, range(10))
    server.wait((jids,))
    before = server.card
    assert server.end(signal.SIGTERM) == 0
    assert not Path(server.folder, "server.json").exists()
    again = start()
    assert again.results(jids) == list(range(1, 11))
    for same in ("url", "key", "secret", "server_id"):
        assert again.card[same] == before[same], same


def test_a_job_that_ran_at_the_stop_runs_again_or_says_why_not(start: Start, tmp_path: Path) -> None:
    def mark(path: str) -> None:
        import os
        import time

        with open(path, "a") as file:
            file.write("x")
        if os.path.getsize(path) == 1:
            time.sleep(600)

    server = start("--workers", "2")
    marks = [str(tmp_path / "a"), str(tmp_path / "b")]
    again = server.submit(mark, marks[:1])
    never = server.submit(mark, marks[1:], restartable=False)
    eventually(lambda: all(os.path.exists(path) and os.path.getsize(path) for path in marks))
    server.end(signal.SIGTERM)
    server = start()
    assert server.wait((again, never)) == ()
    assert server.status((again, never)) == [Status.DONE, Status.ERROR]


def test_a_server_that_was_told_to_stop_begins_no_other_job(start: Start, tmp_path: Path) -> None:
    """It would be killed in a moment, and end in error if it must not run twice."""

    def work(name: str) -> str:
        import time

        with open(f"{name}.begun", "a") as file:
            file.write("x")
        while not os.path.exists(f"{name}.go"):
            time.sleep(0.01)
        Path(f"{name}.over").touch()
        return name

    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    server = start()
    server.submit(work, [first])
    waiting = server.submit(work, [second], restartable=False)
    eventually(lambda: os.path.exists(f"{first}.begun"))
    with closing(server.connect()) as slow:  # it is let finish for a while
        slow.putrequest("POST", "/v1/submit")
        for name, value in {**server.authorization, "Content-Length": "1000"}.items():
            slow.putheader(name, value)
        slow.endheaders(b"PC01")
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: not Path(server.folder, "server.json").exists())
        Path(f"{first}.go").touch()
        eventually(lambda: os.path.exists(f"{first}.over"))
    server.process.wait(60)
    assert not os.path.exists(f"{second}.begun")
    Path(f"{second}.go").touch()
    assert start().results(waiting) == [second]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_server(start: Start, how: int) -> None:
    server = start()
    jids = server.submit(lambda x: time.sleep(x), [600])
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    workers = processes.descendants(server.pid)
    assert workers
    server.end(how)
    eventually(lambda: not any(processes.command_line(pid) for pid in workers), what="end of the workers")


def test_after_a_kill_the_next_one_starts_at_the_same_address(start: Start) -> None:
    server = start()
    url = server.url
    server.end(signal.SIGKILL)
    assert Path(server.folder, "server.json").exists()
    assert start().url == url


def test_a_second_server_of_the_same_folder_is_refused_and_harms_nothing(start: Start) -> None:
    server = start()
    with pytest.raises(Refused) as refused:
        start()
    assert isinstance(refused.value.error, ServerUnavailable)
    assert f"process {server.pid}" in str(refused.value)
    assert server.request("GET", "/healthz")[0] == 200


def test_a_port_that_is_taken_is_refused_when_it_was_asked_for(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match="another program listens there"):
            start("--port", str(port))


def test_a_lost_port_is_replaced_when_nobody_asked_for_it(start: Start) -> None:
    server = start()
    server.end()
    port = int(server.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        assert start().url != server.url


def test_a_lost_key_file_is_replaced_by_a_new_key(start: Start) -> None:
    server = start()
    jids = server.submit(lambda x: x, [1])
    old = server.card["key"]
    server.end()
    Path(server.folder, "key.json").write_text("{}")
    again = start()
    assert again.card["key"] != old
    assert again.results(jids) == [1]
    assert stat.S_IMODE(Path(server.folder, "key.json").stat().st_mode) == 0o600


def test_open_questions_are_answered_with_try_again_when_it_stops(start: Start) -> None:
    server = start()
    jids = server.submit(lambda x: time.sleep(x), [600])
    connection = server.connect()
    question = b"".join(calls.ask("wait", (jids,), timeout_seconds=60.0, stop_on_failure=False))
    connection.request("POST", "/v1/wait", question, server.authorization)
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(ServerUnavailable) as stopping:
        calls.answer_of(decode(connection.getresponse().read())[0])
    connection.close()
    assert stopping.value.retry
    assert server.end() == 0


def test_it_stops_when_it_is_idle_and_not_before(start: Start) -> None:
    server = start(PICLOUD_IDLE_MINUTES="0.005")
    assert server.process.wait(120) == 0
    assert not Path(server.folder, "server.json").exists()


def test_unfinished_jobs_keep_it_up(start: Start, tmp_path: Path) -> None:
    gate = str(tmp_path / "gate")

    def stay(path: str) -> None:
        import os
        import time

        while not os.path.exists(path):
            time.sleep(0.005)

    server = start()
    jids = server.submit(stay, [gate])
    server.end()
    server = start(PICLOUD_IDLE_MINUTES="0.005")  # it knows of the job before it looks around for the first time
    assert server.wait((jids,), seconds=1.5) != ()
    assert server.process.poll() is None
    Path(gate).touch()
    assert server.process.wait(120) == 0


@pytest.mark.parametrize(("name", "value"), [("PICLOUD_IDLE_MINUTES", "soon"), ("PICLOUD_WORKERS", "many")])
def test_a_setting_that_cannot_be_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Refused, match=rf"{name} is '{value}'"):
        Served(str(tmp_path), environment={name: value})


def test_a_home_that_cannot_be_is_refused_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=r"the server cannot start: .*file"):
        Served(str(tmp_path / "file" / "home"))


def test_a_full_disk_is_refused_with_the_folder_that_is_on_it() -> None:
    refusal = refusal_of(OSError(errno.ENOSPC, "No space left on device"), "/home/ann/.picloud3")
    assert isinstance(refusal, StoreFull)
    assert str(refusal) == (
        "the server cannot start: No space left on device\nTIP: make room on the disk of /home/ann/.picloud3"
    )


def test_a_store_of_a_newer_version_is_refused_and_left_alone(start: Start) -> None:
    server = start()
    server.end()
    with closing(sqlite3.connect(Path(server.folder, "jobs.db"))) as database:
        database.execute("pragma user_version = 1000000")
    with pytest.raises(Refused) as refused:
        start()
    assert "Traceback" not in str(refused.value)
    assert "jobs.db" in str(refused.value)


def test_its_log_says_when_it_came_and_went(start: Start) -> None:
    server = start()
    server.end()
    text = Path(server.folder, "server.log").read_text()
    assert f"process {server.pid}, listens on {server.url}" in text
    assert "stopping: SIGTERM" in text
    assert json.dumps(text)
