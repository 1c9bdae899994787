"""`picloud wait-for`: until jobs come to a status, or cannot any more."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.command_line import CommandLine
from tests.support.waiting import eventually

TOOLS = """
import time

def sleep(seconds):
    print("asleep", flush=True)
    time.sleep(seconds)

def fail():
    raise ValueError("no")
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("line")
    (folder / "tools.py").write_text(TOOLS)
    line = CommandLine(folder / "home", folder)
    line.text("start")
    yield line
    line.run("stop", "--force")


def test_a_wait_ends_when_a_job_has_come_to_the_status(line: CommandLine) -> None:
    jid = line.text("call", "tools.py:sleep", "60").strip()
    assert line.text("wait-for", jid, "--status", "processing") == "processing\n"
    with line.start("wait-for", jid, "--status", "killed", stdout=subprocess.PIPE) as waiting:
        line.text("kill", "--force", jid)
        assert waiting.communicate(timeout=300)[0] == b"killed\n"
    assert waiting.returncode == 0
    assert line.text("wait-for", jid) == "killed\n"
    assert line.text("wait-for", "status", jid, "killed", "-t", "60") == "killed\n", "as PiCloud wrote it"


def test_of_several_jobs_all_are_waited_for_and_shown(line: CommandLine) -> None:
    first, last = line.text("map", "math:sqrt", "1", "4").strip().split("-")
    assert line.text("wait-for", f"{first}-{last}", "--status", "finished") == f"{first}  done\n{last}  done\n"
    found = line.lines("wait-for", f"{first}-{last}", "--status", "done", "--status", "error")
    assert found == [{"jid": int(first), "status": "done"}, {"jid": int(last), "status": "done"}]


def test_what_cannot_come_any_more_or_not_in_time_is_an_error(line: CommandLine) -> None:
    jid = line.text("call", "tools.py:fail").strip()
    status, said = line.refused("wait-for", jid, "--status", "done")
    assert (status, f"Job {jid}: it is error, and cannot become done any more" in said) == (3, True), said
    assert line.refused("wait-for", "999999")[0] == 3
    sleeper = line.text("call", "tools.py:sleep", "60").strip()
    status, said = line.refused("wait-for", sleeper, "--timeout", "0.2")
    assert (status, f"Job {sleeper}: picloud wait-for timed out" in said) == (3, True), said
    line.text("kill", "--force", sleeper)


@pytest.mark.everything
def test_a_wait_goes_on_when_the_server_starts_again(line: CommandLine) -> None:
    jid = line.text("call", "tools.py:sleep", "60").strip()
    eventually(lambda: line.text("output", jid) == "asleep\n")
    with line.start("wait-for", jid, "--status", "killed", stdout=subprocess.PIPE) as waiting:
        line.text("stop")
        line.text("start")
        line.text("kill", "--force", jid)
        assert waiting.communicate(timeout=300)[0] == b"killed\n"


def test_ports_of_jobs_are_those_of_the_machine(line: CommandLine) -> None:
    status, said = line.refused("wait-for", "port", "7", "8000")
    assert (status, "on the machine that it runs on" in said) == (2, True), said
