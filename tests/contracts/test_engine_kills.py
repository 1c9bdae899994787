"""The Engine port: kills, maximum run times, and what they must not touch."""

import math
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.model import Status, Submission
from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher, Job
from tests.support.waiting import HANG_SECONDS, eventually


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


@pytest.fixture(params=ENGINES)
def patient(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    """Jobs that are asked to end have all the time that they need."""
    with engine(request.param, grace_seconds=HANG_SECONDS) as dispatcher:
        yield dispatcher


def busy() -> None:
    while True:
        pass


def asleep() -> None:
    import time as t

    t.sleep(1000)  # the job sleeps


def in_c() -> None:
    import ctypes

    libc = ctypes.PyDLL(None)  # holds the interpreter lock
    while True:
        libc.usleep(900_000)


def in_regex() -> None:
    import re

    re.match(r"(a+)+$", "a" * 60 + "b")


def swallowing() -> None:
    import time as t

    while True:
        try:
            t.sleep(1000)  # the job sleeps
        except BaseException:
            pass


def local(function: Callable[[], None]) -> Callable[[], None]:
    """Pickled by value, since workers cannot import the tests."""
    import types

    return types.FunctionType(function.__code__, {"__builtins__": __builtins__}, function.__name__)


def killed(cloud: Dispatcher, submission: Submission, **how: Any) -> tuple[Job, float]:
    began = time.monotonic()
    cloud.kill(submission, **how)
    (job,) = cloud.finish(submission)
    return job, time.monotonic() - began


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("endless", [busy, asleep, in_c, in_regex, swallowing])
def test_every_kind_of_endless_job_is_killed(cloud: Dispatcher, endless: Callable[[], None], force: bool) -> None:
    """S13: loops of Python, of C, of regular expressions, and what catches everything."""
    submission = cloud.call(local(endless))
    cloud.started(submission)
    job, _ = killed(cloud, submission, force=force, reason="killed by a test")
    assert job.status == Status.KILLED
    assert "killed by a test" in job.text("error")
    assert cloud.finish(cloud.call(lambda: 1))[0].result == 1
    assert cloud.lost == []


def test_a_soft_kill_keeps_traceback_and_buffered_output_and_the_worker(patient: Dispatcher, tmp_path: Path) -> None:
    cloud, written = patient, str(tmp_path / "written")

    def job() -> None:
        import sys
        import time

        sys.stdout.write("half a line")
        open(written, "w").close()
        time.sleep(1000)

    def pid() -> int:
        return os.getpid()

    before = cloud.finish(cloud.call(pid))[0].result
    submission = cloud.call(job)
    cloud.until(lambda: os.path.exists(written))
    ended, _ = killed(cloud, submission)
    assert ended.status == Status.KILLED
    assert "time.sleep(1000)" in ended.text("error") or "in job" in ended.text("error")
    assert "KilledException" in ended.text("error")
    assert ended.text("stdout") == "half a line"
    assert cloud.finish(cloud.call(pid))[0].result == before


def test_a_job_that_catches_its_kill_and_returns_is_killed_all_the_same(cloud: Dispatcher) -> None:
    def stubborn() -> int:
        import time

        try:
            time.sleep(1000)
        except BaseException:
            return 7
        return 8

    submission = cloud.call(stubborn)
    cloud.started(submission)
    assert killed(cloud, submission)[0].status == Status.KILLED


def test_killing_takes_the_descendants_also_those_with_a_session_of_their_own(
    cloud: Dispatcher, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"

    def family() -> None:
        import subprocess
        import time

        script = f"setsid sleep 1000 & echo $! >> {pids}; (sleep 1000 & echo $! >> {pids}); sleep 1000"
        subprocess.Popen(["sh", "-c", script], start_new_session=True)
        time.sleep(1000)

    submission = cloud.call(family)
    cloud.until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    killed(cloud, submission, force=True)
    for pid in pids.read_text().split():
        eventually(lambda pid=pid: not Path(f"/proc/{pid}").exists(), what=f"the end of {pid}")  # type: ignore[misc]


def test_children_that_a_job_leaves_behind_end_with_it(cloud: Dispatcher) -> None:
    def leave() -> int:
        import subprocess

        return subprocess.Popen(["sleep", "1000"], start_new_session=True).pid

    (job,) = cloud.finish(cloud.call(leave))
    eventually(lambda: not Path(f"/proc/{job.result}").exists(), what="the end of a child")


def test_killed_jobs_that_had_not_started_never_run(cloud: Dispatcher, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def note(i: int) -> int:
        with open(log, "a") as file:
            file.write(f"{i}\n")
        return i

    cloud.finish(cloud.map(lambda i: i, range(500)))
    submission = cloud.map(note, range(1000))
    cloud.until(lambda: len(cloud.ended) > 600)
    cloud.feed()
    cloud.kill(submission, 900, 1000)
    spared = [e for e in cloud.ready if e[0] is submission]
    cloud.ready = [(s, f, c, lo, min(hi, 900)) for s, f, c, lo, hi in cloud.ready if lo < 900]
    assert spared is not None
    cloud.until(lambda: all((submission.sid, i) in cloud.ended for i in range(900)))
    ran = {int(line) for line in log.read_text().split()}
    for i in range(900, 1000):
        job = cloud.ended.get((submission.sid, i))
        if job is not None:  # what ran at that very moment may have been killed before or behind its line
            began = not math.isnan(job.outcomes.started[i - job.outcomes.lo]) if job.outcomes.started else False
            assert i in ran if job.status == Status.DONE else job.status == Status.KILLED and (began or i not in ran)
    assert set(range(900)) <= ran


def test_killing_single_jobs_of_a_map_of_tiny_jobs_never_hits_a_neighbour(cloud: Dispatcher) -> None:
    cloud.finish(cloud.map(lambda x: x, range(1000)))
    for _ in range(20):
        submission = cloud.map(lambda x: x, range(3000))
        targets = {7, 500, 1234, 2999}
        began = len(cloud.ended)

        def under_way(began: int = began) -> bool:
            return len(cloud.ended) > began + 300

        cloud.until(under_way)
        for target in targets:
            cloud.kill(submission, target, target + 1, force=target == 500)
        for i, job in enumerate(cloud.finish(submission)):
            if job.status != Status.DONE:
                assert i in targets
                assert job.status == Status.KILLED
            else:
                assert job.result == i
    assert cloud.lost == []


def test_a_kill_that_comes_too_late_changes_nothing(cloud: Dispatcher) -> None:
    submission = cloud.call(lambda: 5)
    cloud.feed()
    (cid,) = cloud.claims
    fd = cloud.engine.fileno()
    eventually(lambda: select.select([fd], [], [], 0)[0], what="an outcome")
    cloud.engine.kill(cid, 0, 1, force=False, reason="too late")
    job = cloud.finish(submission)[0]
    assert job.status in (Status.DONE, Status.KILLED)
    assert cloud.finish(cloud.call(lambda: 6))[0].result == 6


def test_a_job_over_its_maximum_runtime_is_killed_and_says_so(cloud: Dispatcher) -> None:
    (job,) = cloud.finish(cloud.call(local(asleep), max_runtime_seconds=0.3))
    assert job.status == Status.KILLED
    assert "ran longer than _max_runtime (0.005 minutes)" in job.text("error")
    assert job.outcomes.runtime[0] >= 0.29


def test_the_maximum_runtime_counts_from_each_jobs_own_start(cloud: Dispatcher) -> None:
    def doze(i: int) -> int:
        import time

        time.sleep(0.1)
        return i

    jobs = cloud.finish(cloud.map(doze, range(50), max_runtime_seconds=2.0))
    # What the machine itself held up for so long is rightly killed; but together they take longer than that.
    brief = [
        job for job in jobs if job.status == Status.DONE or job.outcomes.runtime[job.index - job.outcomes.lo] < 2.0
    ]
    assert [job.result for job in brief] == [job.index for job in brief]
    assert len(brief) > 40


@pytest.mark.slow
def test_two_hundred_kills_leave_no_descriptor_and_no_process(cloud: Dispatcher) -> None:
    def look() -> int:
        return os.getppid()

    template = cloud.finish(cloud.call(look))[0].result
    before = len(os.listdir("/proc/self/fd"))
    for n in range(200):
        submission = cloud.call(local(asleep))
        cloud.started(submission)
        assert killed(cloud, submission, force=n % 4 != 0)[0].status == Status.KILLED
    cloud.until(lambda: cloud.engine.state().workers <= 3)

    def settled() -> bool:
        cloud.tick()
        children = Path(f"/proc/{template}/task/{template}/children").read_text().split()
        return len(children) <= 3 and len(os.listdir("/proc/self/fd")) <= before + 6

    eventually(settled)


def test_jobs_may_ignore_or_replace_the_signal_and_are_killed_nevertheless(cloud: Dispatcher) -> None:
    def deaf() -> None:
        import signal
        import time

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        time.sleep(1000)

    submission = cloud.call(deaf)
    cloud.started(submission)
    assert killed(cloud, submission)[0].status == Status.KILLED
