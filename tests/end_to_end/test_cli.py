"""The command line: start, stop, status, logs, dashboard, serve, version; exit codes; imports nothing it need not."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloud.cli.logs import last_lines
from cloud.cli.status import size_text
from cloud.config import state_directory
from tests.support import processes
from tests.support.waiting import eventually

PICLOUD = [sys.executable, "-m", "cloud.cli"]


def picloud(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command; standard output and error as text."""
    return subprocess.run(
        [*PICLOUD, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )


@pytest.fixture
def running(home: Path) -> Iterator[Path]:
    """A config directory with a server, stopped at the end."""
    started = picloud("start", PICLOUD_WORKERS="1")
    assert started.returncode == 0, started.stderr
    yield home
    picloud("stop", "--force")


# --- without a server


def test_no_arguments_show_the_help_and_exit_with_1() -> None:
    shown = picloud()
    assert shown.returncode == 1
    for command in ("start", "stop", "status", "logs", "dashboard", "serve", "version"):
        assert f"  {command} " in shown.stdout


def test_versions_are_of_picloud_and_python() -> None:
    for arguments in (["version"], ["--version"]):
        shown = picloud(*arguments)
        assert shown.returncode == 0
        assert shown.stdout.startswith("picloud ")
        assert ".".join(map(str, sys.version_info[:3])) in shown.stdout


def test_help_is_a_command_too() -> None:
    assert (picloud("help").returncode, picloud("help").stdout) == (0, picloud("--help").stdout)
    assert picloud("help", "files", "put").stdout == picloud("files", "put", "--help").stdout


def test_wrong_usage_exits_with_2() -> None:
    for arguments in (["fly"], ["start", "--fly"], ["serve", "--port", "x"], ["serve", "--engine", "steam"]):
        assert picloud(*arguments).returncode == 2, arguments


def test_help_imports_neither_the_server_nor_anything_large() -> None:
    program = (
        "import sys\n"
        "from cloud.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "loaded = [m for m in sys.modules if m.split('.')[0] in"
        " ('starlette', 'uvicorn', 'uvloop', 'asyncio', 'sqlite3', 'msgspec', 'numpy', 'cloudpickle')"
        " or m.startswith(('cloud.server', 'cloud.dispatch'))]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_status_and_stop_without_a_server_say_so(home: Path) -> None:
    shown = picloud("status")
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "not running")
    assert json.loads(picloud("status", "--json").stdout) == {"running": False, "home": state_directory(str(home))}
    stopped = picloud("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "no server is running\n")


def test_logs_that_do_not_exist_are_an_error_of_the_service(home: Path) -> None:
    shown = picloud("logs")
    assert shown.returncode == 3
    assert "no server was ever started" in shown.stderr


def test_the_log_of_another_server_is_said_to_be_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_URL", "https://jobs.example.com")
    shown = picloud("logs")
    assert shown.returncode == 3
    assert "the log of https://jobs.example.com is where it runs" in shown.stderr


# --- with one


def test_start_says_where_it_is_and_starting_again_changes_nothing(running: Path) -> None:
    first = json.loads(picloud("status", "--json").stdout)
    again = picloud("start")
    assert again.returncode == 0
    assert first["url"] in again.stdout
    assert json.loads(picloud("status", "--json").stdout)["pid"] == first["pid"]


def test_dashboard_shows_a_link_that_signs_in_once(running: Path) -> None:
    shown = picloud("dashboard", "--no-open")
    assert shown.returncode == 0, shown.stderr
    statuses = []
    for _ in range(2):
        url = urlsplit(shown.stdout.strip())
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=120)
        connection.request("GET", url.path)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [303, 401]


def test_dashboard_leads_to_jobs(running: Path) -> None:
    for word, page in (("17", "jobs/17"), ("3-9", "maps/3")):
        assert picloud("dashboard", "--no-open", word).stdout.strip().endswith(f"?next={page}")


def test_status_shows_process_address_slots_jobs_and_disk(running: Path) -> None:
    shown = json.loads(picloud("status", "--json").stdout)
    assert shown["running"]
    assert shown["slots"] == 1
    assert shown["jobs"]["done"] == 0
    text = picloud("status").stdout
    for word in (str(shown["pid"]), shown["url"], "slots", "jobs       none", "disk"):
        assert word in text


def test_stop_ends_it_and_its_workers(running: Path) -> None:
    pid = json.loads(picloud("status", "--json").stdout)["pid"]
    below = processes.descendants(pid)
    stopped = picloud("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped (process {pid})\n")
    eventually(lambda: not any(processes.command_line(each) for each in {pid, *below}))
    assert not json.loads(picloud("status", "--json").stdout)["running"]


def test_stop_and_start_and_stop_again_as_fast_as_they_go(running: Path) -> None:
    for _ in range(3):
        assert picloud("stop").returncode == 0
        assert picloud("start", PICLOUD_WORKERS="1").returncode == 0


def test_many_starts_at_once_make_one_server(home: Path) -> None:
    starts = [subprocess.Popen([*PICLOUD, "start"], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {start.communicate(timeout=300)[0].split("process")[-1] for start in starts}
    assert len(said) == 1, said
    assert picloud("stop").returncode == 0


def test_logs_show_the_last_lines_and_follow_what_is_added(running: Path) -> None:
    assert "listens on" in picloud("logs").stdout
    assert picloud("logs", "-n", "0").stdout == ""
    with subprocess.Popen([*PICLOUD, "logs", "-f"], stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        guard = threading.Timer(300, following.kill)
        guard.start()
        assert "listens on" in following.stdout.readline()
        picloud("stop")
        assert any("stopped" in line for line in iter(following.stdout.readline, ""))
        guard.cancel()
        following.send_signal(signal.SIGINT)


def test_other_interpreters_are_refused_politely(home: Path) -> None:
    refused = picloud("start", "--python", "/usr/bin/python3")
    assert refused.returncode == 3
    assert "--python" in refused.stderr
    assert "Traceback" not in refused.stderr


# --- a server in the foreground


def test_serve_prints_its_first_key_once_and_takes_requests(tmp_path: Path) -> None:
    command = [*PICLOUD, "serve", "--port", "0", "--store", str(tmp_path / "team"), "--workers", "1"]
    for start in (1, 2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
            assert served.stdout is not None
            assert served.stderr is not None
            guard = threading.Timer(300, served.kill)
            guard.start()
            listens = next(line for line in iter(served.stderr.readline, "") if "listens on" in line)
            assert "http://127.0.0.1:" in listens
            served.send_signal(signal.SIGINT)
            said, _ = served.communicate(timeout=300)
            guard.cancel()
            assert served.returncode == 0
            assert ("PICLOUD_API_SECRETKEY=" in said) is (start == 1)


def test_serve_refuses_a_folder_or_port_that_is_in_use(running: Path, tmp_path: Path) -> None:
    url = json.loads(picloud("status", "--json").stdout)["url"]
    port = picloud("serve", "--port", url.rpartition(":")[2], "--store", str(tmp_path / "other"))
    assert (port.returncode, "another program listens there" in port.stderr) == (3, True)
    folder = picloud("serve", "--port", "0", "--store", state_directory(str(running)))
    assert (folder.returncode, "is running already" in folder.stderr) == (3, True)


@pytest.mark.parametrize("arguments", [["--store", "mysql://x/y"], ["--engine", "ray"], ["--blobs", "ftp://x/y"]])
def test_serve_refuses_what_cannot_be_meant(arguments: list[str]) -> None:
    refused = picloud("serve", *arguments)
    assert refused.returncode == 2
    assert arguments[-2] in refused.stderr
    assert "Traceback" not in refused.stderr


# --- small parts


def test_last_lines_reads_long_files_from_their_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % i for i in range(50_000)))
    with path.open("rb") as file:
        assert last_lines(file, 2) == b"line 49998\nline 49999\n"
        assert file.read() == b""
        assert last_lines(file, 10**9) == path.read_bytes()


def test_sizes_are_written_for_people() -> None:
    assert [size_text(n) for n in (0, 999, 1536, 2_000_000, 7e13)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "2.0 MB",
        "70.0 TB",
    ]
