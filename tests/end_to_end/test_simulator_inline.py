"""S57: with `simulator_inline`, jobs run in the program itself, where debuggers are, and are jobs all the same."""

import builtins
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import sessions
from tests.support.waiting import eventually

BREAKPOINT = """
import cloud
cloud.start_simulator()
def tripled(x):
    secret = 3 * x
    breakpoint()
    return secret
print("result", cloud.result(cloud.call(tripled, 14)))
"""


@pytest.fixture(autouse=True)
def _inline(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_SIMULATOR_INLINE", "1")
    before = sessions.activate(None)
    cloud.start_simulator()
    yield
    sessions.close_all()
    sessions.activate(before)


def test_a_breakpoint_stops_in_the_job(tmp_path: Path) -> None:
    """S57: code is easier to debug, with breakpoints."""
    script = tmp_path / "program.py"
    script.write_text(BREAKPOINT)
    done = subprocess.run(
        [sys.executable, str(script)], input="p secret\nsecret = 7\nc\n", capture_output=True, text=True, timeout=300,
        env={**os.environ, "PICLOUD_SIMULATOR_INLINE": "1"}, check=True,
    )  # fmt: skip
    assert "return secret" in done.stdout, "the line where it stopped is shown"
    assert "(Pdb) 42" in done.stdout
    assert done.stdout.endswith("result 7\n")
    assert done.stderr == ""


def test_a_job_runs_in_the_callers_thread_while_it_is_submitted() -> None:
    jid = cloud.call(lambda: (os.getpid(), __import__("threading").get_ident()))
    assert cloud.status(jid) == "done"
    assert cloud.result(jid) == (os.getpid(), threading.get_ident())


def test_arguments_and_results_are_copies() -> None:
    """What a job changes is not seen outside, as everywhere else."""
    given: list[int] = [1]
    returned = cloud.result(cloud.call(lambda x: (x.append(2), x)[1], given))
    assert (given, returned) == ([1], [1, 2])


def test_what_cannot_travel_is_refused_as_by_a_server() -> None:
    """S57: the simulator verifies that the data could be sent."""
    with pytest.raises(cloud.CloudException, match="cannot be pickled"):
        cloud.call(len, threading.Lock())


def test_failures_are_told_as_by_a_server() -> None:
    def fails() -> None:
        print("out")
        print("err", file=sys.stderr)
        raise LookupError("no")

    jid = cloud.call(fails)
    with pytest.raises(cloud.CloudException, match=r"(?s)Traceback.*in fails.*LookupError: no") as caught:
        cloud.result(jid)
    assert isinstance(caught.value.__cause__, LookupError)
    assert "engines" not in str(caught.value), "frames of ours are left out"
    info = cloud.info(jid, ["stdout", "stderr", "runtime"])[jid]
    assert (info["stdout"], info["stderr"]) == ("out\n", "err\n")
    assert info["runtime"] >= 0
    assert cloud.status(cloud.call(sys.exit, 3)) == "error"
    assert cloud.status(cloud.call(lambda: threading.Lock())) == "error", "its result cannot be pickled"


def test_output_is_shown_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    cloud.call(print, "hello")
    assert capsys.readouterr().out == "hello\n"


def test_jobs_may_wait_for_jobs_to_any_depth() -> None:
    def fibonacci(n: int) -> int:
        import cloud

        return n if n < 2 else sum(cloud.result([cloud.call(fibonacci, n - 1), cloud.call(fibonacci, n - 2)]))

    assert cloud.result(cloud.call(fibonacci, 7)) == 13


def test_what_a_job_submits_without_waiting_runs_when_the_job_is_over() -> None:
    def parent() -> tuple[int, str]:
        import cloud

        jid = cloud.call(abs, -4)
        return int(jid), cloud.status(jid)

    jid, status = cloud.result(cloud.call(parent))
    assert status == "queued"
    assert cloud.result(jid) == 4


def test_dependencies_priorities_and_environment_variables_hold() -> None:
    def fails() -> None:
        raise ValueError

    failed = cloud.call(fails)
    assert cloud.status(cloud.call(abs, 1, _depends_on=failed)) == "stalled"
    assert cloud.result(cloud.call(lambda: __import__("os").environ["SEEN"], _os_env_vars={"SEEN": "yes"})) == "yes"
    assert "SEEN" not in os.environ


def test_a_map_and_large_results() -> None:
    assert cloud.result(cloud.map(lambda x: x * x, range(300))) == [x * x for x in range(300)]
    assert cloud.result(cloud.call(bytes, 200_000)) == bytes(200_000)
    assert list(cloud.iresult(cloud.map(bytes, [50_000] * 5))) == [bytes(50_000)] * 5


def test_ctrl_c_ends_the_job_and_reaches_the_program() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cloud.map(lambda x: interrupted() if x == 1 else x, range(3))
    assert [cloud.status(jid) for jid in (1, 2, 3)] == ["done", "killed", "queued"]
    assert cloud.result(3) == 2, "what did not run runs when it is waited for"


def test_jobs_of_several_threads_run_one_at_a_time() -> None:
    running: list[int] = []
    most: list[int] = []
    results: dict[int, Any] = {}
    vars(builtins)["picloud_test_lists"] = running, most  # not copied: the job is in this process

    def job(x: int) -> int:
        import builtins

        running, most = builtins.picloud_test_lists  # type: ignore[attr-defined]
        running.append(x)
        most.append(len(running))
        running.remove(x)
        return x

    def use(x: int) -> None:
        results[x] = cloud.result(cloud.call(job, x))

    threads = [threading.Thread(target=use, args=(x,)) for x in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {x: x for x in range(8)}
    assert set(most) == {1}


def test_a_job_can_be_watched_from_another_thread() -> None:
    """Whoever follows looks from time to time; nobody wakes it."""
    spoken, go_on = threading.Event(), threading.Event()
    vars(builtins)["picloud_test_events"] = spoken, go_on

    def speak() -> None:
        import builtins

        spoken, go_on = builtins.picloud_test_events  # type: ignore[attr-defined]
        print("one")
        spoken.set()
        go_on.wait(120)
        print("two")

    running = threading.Thread(target=cloud.call, args=(speak,))
    before = cloud.call(len, "")
    running.start()
    assert spoken.wait(120)
    jid = before + 1
    assert cloud.output(jid) == "one\n"

    def waits() -> bool:
        stack = cloud.stack(jid).splitlines()
        return stack[1].endswith(", in speak") and stack[2].strip() == "go_on.wait(120)"

    eventually(waits)
    pieces = cloud.output(jid, follow=True)
    assert next(pieces) == "one\n"
    go_on.set()
    assert "".join(pieces) == "two\n"
    running.join()
    del vars(builtins)["picloud_test_events"]
