"""The Engine port: what jobs write, whose it is, and how much of it is kept."""

import os
import sys
from collections.abc import Iterator

import pytest

from cloud.model import Status
from tests.contracts.engines import ENGINES, engine
from tests.support.scripted import Dispatcher


@pytest.fixture(params=ENGINES)
def cloud(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    with engine(request.param) as dispatcher:
        yield dispatcher


def test_output_and_errors_are_kept_apart_and_with_their_job(cloud: Dispatcher) -> None:
    def speak(i: int) -> int:
        import sys

        if i % 3 == 0:
            print("out", i)
        if i % 5 == 0:
            print("err", i, file=sys.stderr)
        return i

    jobs = cloud.finish(cloud.map(speak, range(3000)))
    for i, job in enumerate(jobs):
        assert job.result == i
        assert job.text("stdout") == (f"out {i}\n" if i % 3 == 0 else "")
        assert job.text("stderr") == (f"err {i}\n" if i % 5 == 0 else "")


def test_what_children_and_c_libraries_write_is_caught(cloud: Dispatcher) -> None:
    def speak(i: int) -> int:
        import ctypes
        import os
        import subprocess

        os.write(1, b"descriptor\n")
        subprocess.run(["echo", "child", str(i)], check=True)
        ctypes.CDLL(None).puts(b"from c")
        return i

    for i, job in enumerate(cloud.finish(cloud.map(speak, range(10)))):
        assert sorted(job.text("stdout").splitlines()) == [f"child {i}", "descriptor", "from c"]


def test_a_failing_job_keeps_its_output(cloud: Dispatcher) -> None:
    def fail() -> None:
        print("before")
        raise ValueError

    (job,) = cloud.finish(cloud.call(fail))
    assert job.status == Status.ERROR
    assert job.text("stdout") == "before\n"


def test_only_the_last_thousand_lines_are_kept(cloud: Dispatcher) -> None:
    """S23."""

    def chatter() -> None:
        for i in range(50_000):
            print("line", i)

    (job,) = cloud.finish(cloud.call(chatter))
    lines = job.text("stdout").splitlines()
    assert lines == [f"line {i}" for i in range(49_000, 50_000)]


def test_long_lines_are_cut_and_say_so(cloud: Dispatcher) -> None:
    def shout() -> None:
        print("x" * 1_000_000)
        print("short")
        print("y" * 1_000_000, end="")

    (job,) = cloud.finish(cloud.call(shout))
    first, second, third = job.text("stdout").split("\n")
    left_out = 1_000_000 - 65_536
    assert first == "x" * 65_536 + f" [... {left_out} bytes of this line left out]"
    assert second == "short"
    assert third == "y" * 65_536 + f" [... {left_out} bytes of this line left out]"


def test_at_most_four_mebibytes_are_kept(cloud: Dispatcher) -> None:
    def flood() -> None:
        for _ in range(300):
            print("z" * 60_000)

    (job,) = cloud.finish(cloud.call(flood))
    text = job.text("stdout")
    assert 4 << 20 >= len(text) > (4 << 20) - 60_002
    assert set(text.splitlines()) == {"z" * 60_000}


def test_output_is_seen_while_the_job_runs_and_while_another_floods(cloud: Dispatcher) -> None:
    def flood() -> None:
        while True:
            print("flood " * 10)

    def speak() -> None:
        import time

        print("here I am")
        time.sleep(1000)

    loud, quiet = cloud.call(flood), cloud.call(speak)

    def live() -> bool:
        now = cloud.engine.live(quiet.sid, 0)
        return now is not None and now.stdout == b"here I am\n" and now.pid > 0

    cloud.until(live)
    cloud.kill(loud)
    cloud.kill(quiet)
    assert [job.status for job in cloud.finish(loud, quiet)] == [Status.KILLED] * 2
    assert cloud.engine.live(quiet.sid, 0) is None


def test_replaced_and_closed_standard_files_are_repaired_for_the_next_job(cloud: Dispatcher) -> None:
    def vandalise() -> None:
        import io
        import os
        import sys

        sys.stdout.close()
        sys.stdout = io.StringIO()
        os.close(1)

    def speak() -> None:
        print("fine")

    cloud.finish(cloud.call(vandalise))
    assert cloud.finish(cloud.call(speak))[0].text("stdout") == "fine\n"


def test_a_forked_child_that_returns_from_the_job_does_not_run_on(cloud: Dispatcher) -> None:
    def fork() -> str:
        import os

        return "child" if os.fork() == 0 else "parent"

    jobs = cloud.finish(*[cloud.call(fork) for _ in range(5)])
    assert [job.result for job in jobs] == ["parent"] * 5


def test_binary_output_is_kept_as_it_is(cloud: Dispatcher) -> None:
    noise = bytes(range(256)) * 20

    def write() -> None:
        sys.stdout.buffer.write(noise)

    (job,) = cloud.finish(cloud.call(write))
    assert bytes(job.outcomes.bytes_of("stdout", 0)) == noise
    assert os.getpid()


def test_what_jobs_log_is_kept_beside_their_output(cloud: Dispatcher) -> None:
    import json

    def log(i: int) -> int:
        import logging

        if i == 3:
            logging.getLogger("work").warning("item %d is odd", i)
        logging.getLogger("work").debug("not shown")
        return i

    jobs = cloud.finish(cloud.map(log, range(6)))
    said = [json.loads(job.text("extra") or "{}").get("logging", "") for job in jobs]
    assert said == ["", "", "", "WARNING:work:item 3 is odd", "", ""]
    assert jobs[3].text("stderr") == "item 3 is odd\n"


def test_a_pipe_that_a_job_made_non_blocking_is_as_it_was_for_the_next(cloud: Dispatcher) -> None:
    """Programs that a job starts do so, and share it: ssh, node."""

    def fill() -> int:
        os.set_blocking(1, False)
        written = 0
        try:
            while written < 1 << 30:
                written += os.write(1, b"x" * 50_000 + b"\n")
        except BlockingIOError:
            pass
        return written

    def speak() -> bool:
        print("all of it", "x" * 1_000_000)
        return os.get_blocking(1)

    first, second = cloud.finish(cloud.call(fill))[0], cloud.finish(cloud.call(speak))[0]
    assert first.result > 0
    assert second.result is True
