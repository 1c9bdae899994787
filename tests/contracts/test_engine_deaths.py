"""The Engine port: workers that die, waits that lend a slot, and engines whose owner dies."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cloud.dispatch.ports import Reply
from cloud.model import Environment, Status
from tests.contracts.engines import ENGINES, MACHINE, WITH_PIPES, engine
from tests.support.required import require_or_skip
from tests.support.scripted import HERE, Dispatcher
from tests.support.waiting import eventually


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


def test_a_process_that_exits_is_an_error_that_names_the_code(cloud: Dispatcher) -> None:
    def leave(i: int) -> int:
        if i == 3:
            print("last words", flush=True)
            os._exit(3)
        return i

    jobs = cloud.finish(cloud.map(leave, range(20)))
    for i, job in enumerate(jobs):
        assert job.status == (Status.ERROR if i == 3 else Status.DONE), i
    assert "exit code 3" in jobs[3].text("error")
    assert jobs[3].text("stdout") == "last words\n"
    assert cloud.lost == []


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS])
def test_a_crash_is_an_error_that_names_the_signal(cloud: Dispatcher, number: signal.Signals) -> None:
    def crash(n: int) -> None:
        os.kill(os.getpid(), n)

    (job,) = cloud.finish(cloud.call(crash, int(number)))
    assert job.status == Status.ERROR
    assert number.name in job.text("error")
    assert "Fatal Python error" in job.text("stderr")


def test_a_worker_killed_from_outside_loses_only_the_job_that_ran(cloud: Dispatcher, tmp_path: Path) -> None:
    marker = tmp_path / "pid"

    def run(i: int) -> int:
        if i == 5 and not marker.exists():
            import time

            marker.write_text(str(os.getpid()))
            time.sleep(1000)
        return i

    submission = cloud.map(run, range(50))
    cloud.until(lambda: marker.exists() and bool(marker.read_text()))
    os.kill(int(marker.read_text()), signal.SIGKILL)
    cloud.until(lambda: bool(cloud.lost))
    (lost,) = cloud.lost
    assert (lost.lo, lost.hi) == (5, 6)
    assert "signal 9 (SIGKILL), which picloud did not send" in lost.reason
    others = {(submission.sid, i) for i in range(50) if i != 5}
    cloud.until(lambda: others <= cloud.ended.keys())
    assert all(cloud.ended[key].result == key[1] for key in others)


def test_outcomes_before_a_crash_are_kept_and_jobs_behind_it_are_returned(cloud: Dispatcher) -> None:
    def run(i: int) -> int:
        if i == 2500:
            os._exit(9)
        return i

    cloud.finish(cloud.map(lambda i: i, range(100)))
    cloud.finish(cloud.map(run, range(1000)))
    jobs = cloud.finish(cloud.map(run, range(1000, 6000)))
    assert [i for i, job in enumerate(jobs) if job.status != Status.DONE] == [1500]


def test_the_template_killed_from_outside_loses_what_ran_and_is_replaced(cloud: Dispatcher) -> None:
    def parent() -> int:
        return os.getppid()

    def sleep() -> None:
        import time

        time.sleep(1000)

    template = cloud.finish(cloud.call(parent))[0].result
    submission = cloud.call(sleep)
    cloud.started(submission)
    os.kill(template, signal.SIGKILL)
    cloud.until(lambda: bool(cloud.lost))
    cloud.until(lambda: cloud.engine.state().workers > 0)
    assert cloud.finish(cloud.call(parent))[0].result != template


def test_an_interpreter_that_cannot_start_is_an_error_that_says_why(cloud: Dispatcher, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho this is no python >&2\nexit 1\n")
    script.chmod(0o755)
    environment = Environment(HERE.cache_tag, MACHINE, str(script), (), str(tmp_path))
    (job,) = cloud.finish(cloud.call(lambda: 1, environment=environment))
    assert job.status == Status.ERROR
    assert "this is no python" in job.text("error")
    assert cloud.finish(cloud.call(lambda: 1))[0].result == 1


def test_each_interpreter_gets_a_template_of_its_own(cloud: Dispatcher, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(venv)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        require_or_skip(f"no virtual environment can be made here: {made.stderr}")
    python = str(venv / "bin" / "python")

    def executable() -> str:
        return sys.executable

    environment = Environment(HERE.cache_tag, MACHINE, python, tuple(p for p in sys.path if p), str(tmp_path))
    assert cloud.finish(cloud.call(executable, environment=environment))[0].result == python
    assert cloud.finish(cloud.call(executable))[0].result == sys.executable


def pythons() -> Iterator[str]:
    """Interpreters of other minor versions: on the PATH, beside our own, or behind pyenv's shims."""
    for minor in (12, 13, 14, 11):
        if minor != sys.version_info.minor:
            on_path = shutil.which(f"python3.{minor}")
            if on_path:
                yield on_path
                yield from map(str, Path(on_path).parents[1].glob(f"versions/3.{minor}.*/bin/python3.{minor}"))
            yield from map(str, Path(sys.base_prefix).parent.glob(f"3.{minor}.*/bin/python3.{minor}"))


def another_python() -> tuple[str, dict[str, Any]]:
    """An interpreter of another minor version, and what it says of itself."""
    import cloudpickle

    folders = [str(Path(__file__).parents[2] / "src"), str(Path(cloudpickle.__file__).parents[1])]
    say = (
        "import sys, json; sys.path += sys.argv[1:]; import cloudpickle\n"
        "packed = cloudpickle.dumps(lambda x: (sys.version_info[1], x), protocol=5)\n"
        "print(json.dumps([sys.executable, sys.implementation.cache_tag, sys.path[1:], packed.hex()]))"
    )
    for python in pythons():
        told = subprocess.run([python, "-c", say, *folders], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            executable, tag, path, packed = json.loads(told.stdout)
            return packed, {"cache_tag": tag, "executable": executable, "path": tuple(p for p in path if p)}
    return require_or_skip("there is no second version of Python (3.11 or newer) on the PATH")


def test_a_function_of_another_version_of_python_runs_under_that_version(cloud: Dispatcher, tmp_path: Path) -> None:
    packed, about = another_python()
    environment = Environment(machine=MACHINE, directory=str(tmp_path), **about)
    submission = cloud.call(None, 5, environment=environment, packed=bytes.fromhex(packed))
    assert cloud.engine.refuse(submission.spec) is None
    version, argument = cloud.finish(submission)[0].result
    assert about["cache_tag"] == f"cpython-3{version}"
    assert (version, argument) != (sys.version_info.minor, 5)
    assert about["cache_tag"] in cloud.engine.state().interpreters


def test_nothing_is_left_when_the_engines_owner_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "owner.py"
    program.write_text(
        "import sys, os\n"
        "from tests.contracts.engines import engine\n"
        "def pids():\n"
        "    import subprocess, time, os\n"
        "    child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    print(os.getppid(), os.getpid(), child.pid, flush=True)\n"
        "    time.sleep(1000)\n"
        "with engine('local') as cloud:\n"
        "    job = cloud.call(pids)\n"
        "    look = lambda: cloud.engine.live(job.sid, 0)\n"
        "    cloud.until(lambda: (live := look()) is not None and live.stdout.count(b' ') == 2)\n"
        "    said = cloud.engine.live(job.sid, 0).stdout.decode()\n"
        "    if os.fork() == 0:\n"
        "        import time\n"
        "        time.sleep(30)\n"
        "    print(said, flush=True)\n"
        "    cloud.until(lambda: False)\n"
    )
    root = Path(__file__).parents[2]
    owner = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}, start_new_session=True,
    )  # fmt: skip
    assert owner.stdout is not None
    with owner, owner.stdout:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 3
        owner.kill()
        owner.wait()
        for pid in pids:
            eventually(lambda pid=pid: not _lives(pid), what=f"the end of {pid}")  # type: ignore[misc]
        os.killpg(owner.pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def waits_for(jids: Sequence[int]) -> Any:
    def wait() -> str:
        from cloud.wire import worker

        channel = worker.CHANNEL
        assert channel is not None
        channel.waiting(tuple(range(jid, jid + 1) for jid in jids))
        answer = bytes(channel.request([b"are they done?"])).decode()
        channel.resumed()
        return f"{answer} {channel.jid}"

    return wait


@pytest.mark.parametrize("name", WITH_PIPES)
def test_a_waiting_job_lends_its_slot(name: str) -> None:
    replies: list[Reply] = []
    asked: list[tuple[bytes, int, int]] = []

    def served(request: bytes, account: int, parent_jid: int, reply: Reply) -> None:
        asked.append((request, account, parent_jid))
        replies.append(reply)

    with engine(name, 1, served) as cloud:
        parent = cloud.call(waits_for([2]))
        child = cloud.call(lambda: "child")
        cloud.until(lambda: bool(replies))
        (blocked,) = cloud.engine.blocked()
        assert blocked.jids == (range(2, 3),)
        assert asked == [(b"are they done?", 1, 1)]
        assert (child.sid, 0) not in cloud.ended
        cloud.feed(lent_by=blocked.worker, only=child.sid)
        assert cloud.engine.blocked() == []
        assert cloud.finish(child)[0].result == "child"
        assert len(cloud.engine.blocked()) == 1
        replies[0]([b"ye", b"s"])
        assert cloud.finish(parent)[0].result == "yes 1"
        assert cloud.engine.blocked() == []


@pytest.mark.parametrize("name", WITH_PIPES)
def test_large_questions_and_answers_from_several_threads(name: str) -> None:
    def served(request: bytes, account: int, parent_jid: int, reply: Reply) -> None:
        reply([request[:1], request[1:]])

    def ask() -> bool:
        from concurrent.futures import ThreadPoolExecutor

        from cloud.wire import worker

        channel = worker.CHANNEL
        assert channel is not None
        with ThreadPoolExecutor(4) as pool:
            questions = [os.urandom(n) for n in (1, 10, 3_000_000, 5_000_000, 100, 2_000_000)]
            return list(pool.map(lambda q: bytes(channel.request([q[:5], q[5:]])), questions)) == questions

    with engine(name, 1, served) as cloud:
        assert cloud.finish(cloud.call(ask))[0].result is True


@pytest.mark.parametrize("name", WITH_PIPES)
def test_a_job_that_waits_can_be_killed(name: str) -> None:
    with engine(name, 1, lambda *_: None) as cloud:
        parent = cloud.call(waits_for([2]))
        cloud.until(lambda: bool(cloud.engine.blocked()))
        cloud.kill(parent)
        assert cloud.finish(parent)[0].status == Status.KILLED
        assert cloud.engine.blocked() == []
        assert cloud.finish(cloud.call(lambda: 1))[0].result == 1


def test_what_is_known_of_a_job_is_json(cloud: Dispatcher) -> None:
    (job,) = cloud.finish(cloud.call(lambda: [1, "two", None]))
    assert json.loads(job.text("extra")) == {"result_repr": "[1, 'two', None]"}


def test_a_temporary_folder_that_was_swept_away_costs_no_job(cloud: Dispatcher, tmp_path: Path) -> None:
    """Many machines do so with what is in /tmp and was not used for days."""
    begun, end = tmp_path / "begun", tmp_path / "end"

    def stay() -> str:
        import time

        begun.touch()
        while not end.exists():
            time.sleep(0.01)
        return "stayed"

    staying = cloud.call(stay, restartable=False)
    cloud.until(begun.exists)
    (place,) = cloud.finish(cloud.call(os.getcwd))
    folder = Path(place.result).parent
    fd = os.open(folder, os.O_RDONLY)
    with pytest.raises(BlockingIOError):  # which is what systemd-tmpfiles asks before it sweeps
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)
    shutil.rmtree(folder)
    (left,) = cloud.finish(cloud.call(os._exit, 3))
    assert "exit code 3" in left.text("error")
    (other,) = cloud.finish(cloud.call(os.getcwd, kill_process=True))
    assert Path(other.result).parent == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    end.touch()
    (stayed,) = cloud.finish(staying)
    assert stayed.result == "stayed"
