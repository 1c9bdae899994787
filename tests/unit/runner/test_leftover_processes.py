"""What jobs leave behind, and what a machine does to a template that runs for months: no other job is lost by it."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import errno, os, signal, socket, subprocess, sys
from cloud.runner import leftovers, template

kill, directory = os.kill, sys.argv[1]
served = template.Template(socket.socketpair()[0], os.getppid(), -1, directory)
foreign, ours = (subprocess.Popen(["sleep", "600"]) for _ in range(2))

def killing(pid, number):
    if pid == foreign.pid:
        raise PermissionError(errno.EPERM, "not yours")
    kill(pid, number)

def forking():
    raise BlockingIOError(errno.EAGAIN, "no more processes")

def bury():
    served._bury()
    while os.path.exists(f"/proc/{ours.pid}"):
        served._bury()

os.kill = killing
try:
    exec(sys.argv[2])
finally:
    kill(foreign.pid, signal.SIGKILL)
    if os.path.exists(f"/proc/{ours.pid}"):
        kill(ours.pid, signal.SIGKILL)
"""


def run(program: str, directory: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(directory), program], check=True, timeout=30)


@pytest.mark.parametrize("program", ["leftovers.kill_children()", "bury()", "served._end()"])
def test_a_program_with_the_rights_of_another_user_is_left_and_all_others_die(program: str, tmp_path: Path) -> None:
    """As of a job that calls sudo and does not wait."""
    folder = tmp_path / "picloud-it"
    folder.mkdir()
    run(f"{program}; assert foreign.poll() is None; assert not os.path.exists(f'/proc/{{ours.pid}}')", folder)


def test_a_program_that_could_not_be_killed_is_not_tried_over_and_over(tmp_path: Path) -> None:
    run("bury(); assert not served._orphans", tmp_path)


@pytest.mark.parametrize("program", ["served._sweep(directory)", "served._sweep_code()"])
def test_a_machine_that_has_no_more_processes_ends_no_template(program: str, tmp_path: Path) -> None:
    (tmp_path / "code-0.lock").touch()
    run(f"os.fork = forking; {program}", tmp_path)
    assert tmp_path.exists()
