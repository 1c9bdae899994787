"""S57: with `simulator_inline`, jobs run in the program itself, where debuggers are, and are jobs all the same."""

import builtins
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import sessions
from cloud.client.code.elsewhere import SimulationWarning
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


def test_a_job_is_profiled_and_what_it_waits_for_has_a_profile_of_its_own() -> None:
    def inner_work() -> int:
        return sum(x for x in range(200_000))

    def outer_work() -> Any:
        import cloud

        first = inner_work()
        return first + cloud.result(cloud.call(inner_work, _profile=True))

    def names(jid: int) -> dict[str, int]:
        lines = cloud.info(jid, "profile")[jid]["profile"].splitlines()
        return {line.rpartition("(")[2][:-1]: int(line.split()[0]) for line in lines if line.endswith("_work)")}

    jid = cloud.call(outer_work, _profile=True)
    assert cloud.result(jid) == 2 * sum(range(200_000))
    assert names(jid)["outer_work"] == 1
    assert names(jid)["inner_work"] == 1, "the other job's call of it is in the other's profile"
    assert names(jid + 1)["inner_work"] == 1
    assert "outer_work" not in names(jid + 1)
    assert cloud.info(cloud.call(abs, 1), "profile")[jid + 2]["profile"] is None


TENTH = 0.1 / 60
"""Of a second, in minutes."""


def sleeps() -> None:
    import time

    time.sleep(600)  # the job sleeps


def test_a_job_that_runs_too_long_is_killed_in_the_main_thread() -> None:
    jid = cloud.call(sleeps, _max_runtime=TENTH)
    assert cloud.status(jid) == "killed"
    with pytest.raises(cloud.CloudException, match=r"(?s)ran longer than _max_runtime .*in sleeps") as caught:
        cloud.result(jid)
    assert "engines" not in str(caught.value)
    assert cloud.result(cloud.call(abs, -1, _max_runtime=10)) == 1
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_job_that_catches_the_alarm_ends_as_killed_all_the_same() -> None:
    def stubborn() -> int:
        try:
            sleeps()
        except BaseException:
            pass
        return 3

    with pytest.raises(cloud.CloudException, match="it caught the KilledException and returned"):
        cloud.result(cloud.call(stubborn, _max_runtime=TENTH))


def test_the_limit_of_a_job_that_waits_for_another_is_not_the_others() -> None:
    def waits() -> str:
        import cloud

        other = cloud.call(sleeps, _max_runtime=2 * TENTH)
        return cloud.status(other)

    def waits_longer() -> None:
        import cloud

        cloud.join(cloud.call(sleeps, _max_runtime=2 * TENTH), ignore_errors=True)
        sleeps()

    assert cloud.result(cloud.call(waits, _max_runtime=10)) == "queued"
    jid = cloud.call(waits_longer, _max_runtime=TENTH)
    while cloud.call(abs, 1) == jid + 1:  # it was held up for so long before it waited for another
        jid = cloud.call(waits_longer, _max_runtime=TENTH)
    assert [cloud.status(jid), cloud.status(jid + 1)] == ["killed", "killed"]
    with pytest.raises(cloud.CloudException, match="in waits_longer"):
        cloud.result(jid)


def test_where_a_limit_cannot_be_held_the_call_says_so() -> None:
    told: list[str] = []

    def call() -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cloud.call(abs, 1, _max_runtime=1)
        told.extend(str(warning.message) for warning in caught if warning.category is SimulationWarning)
        assert [warning.filename for warning in caught] == [__file__]

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    call()
    signal.signal(signal.SIGALRM, before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cloud.call(abs, 1, _max_runtime=1)
    prefix = "_max_runtime does not limit this job, which runs inline: "
    assert [text.removeprefix(prefix) for text in told] == [
        "it runs in another thread than the main one of this program",
        "this program uses SIGALRM itself",
    ]


def test_while_a_debugger_is_at_work_the_time_does_not_count(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(BREAKPOINT.replace("tripled, 14", f"tripled, 14, _max_runtime={20 * TENTH}"))
    said = "import time; time.sleep(2.5)\np secret\nsecret = 7\nc\n"
    done = subprocess.run(
        [sys.executable, str(script)], input=said, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PICLOUD_SIMULATOR_INLINE": "1"}, check=True,
    )  # fmt: skip
    assert "(Pdb) 42" in done.stdout
    assert done.stdout.endswith("result 7\n")
