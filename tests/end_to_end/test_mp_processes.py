"""S56: the worker processes of cloud.mp end with the program that uses them, however it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cloud
from tests.support import processes
from tests.support.waiting import eventually

PROGRAM = """
import sys, time
import cloud
if "simulator" in sys.argv:
    cloud.start_simulator()
mp = cloud if "simulator" in sys.argv else cloud.mp
mp.call(time.sleep, 600)
mp.call(lambda: __import__("subprocess").Popen(["sleep", "600"], start_new_session=True).wait())
print(mp.result(mp.call(pow, 2, 5)), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("number", "which"),
    [(signal.SIGKILL, "mp"), (signal.SIGTERM, "mp"), (signal.SIGINT, "mp"), (signal.SIGKILL, "simulator")],
)
def test_nothing_is_left_when_the_program_is_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, which: str
) -> None:
    """S56, and S59: the same holds for the simulator."""
    monkeypatch.setenv("PICLOUD_WORKERS", "3")
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "3")
    words = [sys.executable, "-c", PROGRAM, which]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"32\n"
        eventually(lambda: len(processes.descendants(program.pid)) > 5, what="template, workers and their children")
        below = processes.descendants(program.pid)
        program.send_signal(number)
    eventually(lambda: not any(map(processes.command_line, below)), what="the end of all workers")


def nested() -> int:
    """A job with a pool of its own."""
    from cloud import mp

    return sum(mp.result(mp.map(abs, range(10))))


def nested_for_ever(file: str) -> None:
    """The same, and it stays."""
    from cloud import mp

    mp.call(__import__("time").sleep, 600)
    mp.result(mp.call(abs, 1))
    Path(file).touch()
    mp.result(mp.call(__import__("time").sleep, 600))


def test_a_job_of_a_server_may_use_a_pool_of_its_own_which_ends_with_it(home: Path, tmp_path: Path) -> None:
    cloud.close()
    jids = [cloud.call(nested) for _ in range(4)]
    assert cloud.result(jids) == [45] * 4
    jid = cloud.call(nested_for_ever, str(tmp_path / "ready"))
    eventually((tmp_path / "ready").exists, what="the nested pool")
    server = cloud.connection_info()
    pids = {p for p in processes.marked(str(home)) if "sleep" not in processes.command_line(p)}
    cloud.kill(jid, force=True)
    with pytest.raises(cloud.CloudException):
        cloud.result(jid)
    assert cloud.result(cloud.call(nested)) == 45
    assert server["opened"]
    eventually(lambda: len(set(processes.marked(str(home))) & pids) < len(pids), what="the end of the nested workers")
    cloud.close()


NUMBERS = """
import os
from cloud import errors, mp

def look(jid):
    try:
        return mp.result(jid)
    except errors.JobNotFound:
        return "not found"

first = int(mp.call(lambda: "first"))
mp.result(first)
if not (child := os.fork()):
    print(mp.result(mp.call(lambda: "of the child")), "-", look(first), flush=True)
    mp.close()
    os._exit(0)
os.waitpid(child, 0)
print(look(first))
mp.close()
print(mp.result(mp.call(lambda: "of the next pool")), "-", look(first))
"""


def test_the_number_of_a_job_means_no_other_in_a_later_pool_or_in_a_child() -> None:
    done = subprocess.run([sys.executable, "-c", NUMBERS], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["of the child - not found", "first", "of the next pool - not found"]
