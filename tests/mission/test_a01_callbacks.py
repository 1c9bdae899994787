"""SPEC A.1: callbacks."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException
from tests.support.gates import Gate
from tests.support.waiting import eventually


def foo(x: int) -> float:
    return 1 / x


def test_one_callback_or_a_list_is_called_when_the_job_is_done(cloud: Session) -> None:
    """S1: `_callback` is one callable or a list."""
    heard: list[Any] = []
    one = cloud.call(foo, 1, _callback=heard.append)
    two = cloud.call(foo, 2, _callback=[heard.append, heard.append])
    eventually(lambda: len(heard) == 3)
    assert sorted(heard) == [one, two, two]


def test_callbacks_run_on_the_client_from_left_to_right(cloud: Session) -> None:
    """S2: on the client machine, in list order, in a daemon thread. Beyond: told by a wake-up, not by a poll."""
    heard: list[Any] = []

    def first(jid: int) -> None:
        heard.append(("first", os.getpid(), threading.current_thread().daemon))

    def second(jid: int) -> None:
        heard.append(("second", os.getpid(), threading.current_thread().daemon))

    cloud.call(foo, 1, _callback=[first, second])
    eventually(lambda: len(heard) == 2)
    assert heard == [("first", os.getpid(), True), ("second", os.getpid(), True)]


def test_callbacks_get_the_jid_or_nothing_if_they_take_nothing(cloud: Session) -> None:
    """S3: one positional argument, the jid; beyond: it is the job's handle, so its result is at hand."""
    heard: list[Any] = []
    jid = cloud.call(foo, 4, _callback=[lambda: heard.append(None), lambda job: heard.append((job, job.result()))])
    eventually(lambda: len(heard) == 2)
    assert heard == [None, (jid, 0.25)]


def test_a_map_has_callbacks_too(cloud: Session) -> None:
    """S4: "not currently supported with cloud.map()": lifted, they are called for each job."""
    heard: list[int] = []
    failed: list[int] = []
    jids = cloud.map(foo, [1, 0, 2], _callback=heard.append, _callback_on_error=failed.append)
    eventually(lambda: len(heard) + len(failed) == 3)
    assert (sorted(heard), failed) == ([jids[0], jids[2]], [jids[1]])


def test_exactly_one_of_the_two_lists_fires_once(cloud: Session, gate: Gate) -> None:
    """S5: `_callback` when done; `_callback_on_error` when it ended in error, stalled or killed."""
    heard: list[tuple[str, int]] = []
    tell: dict[str, Any] = {
        "_callback": lambda jid: heard.append(("done", jid)),
        "_callback_on_error": [lambda jid: heard.append(("failed", jid))],
    }
    done = cloud.call(foo, 1, **tell)
    error = cloud.call(foo, 0, **tell)
    stalled = cloud.call(foo, 1, _depends_on=error, **tell)
    killed = cloud.call(gate.stop, **tell)
    gate.wait_for()
    cloud.kill(killed)
    eventually(lambda: len(heard) >= 4)
    last: list[int] = []
    cloud.call(foo, 1, _callback=last.append)
    eventually(lambda: last, what="a callback that comes after any second one of the others")
    assert cloud.status([done, error, stalled, killed]) == ["done", "error", "stalled", "killed"]
    assert sorted(heard) == [("done", done), ("failed", error), ("failed", stalled), ("failed", killed)]


@pytest.mark.parametrize("keyword", ["_callback", "_callback_on_error"])
def test_what_cannot_be_called_is_refused_before_there_is_a_job(cloud: Session, keyword: str) -> None:
    """S5a: beyond: PiCloud refused it after the job was submitted, and lost the jid."""
    before = cloud.call(foo, 1)
    with pytest.raises(CloudException, match="All callbacks must be callable"):
        cloud.call(foo, 1, **{keyword: [print, "print"]})
    assert cloud.call(foo, 1) == before + 1


def test_a_program_that_joined_its_job_has_heard_of_it_at_its_end(tmp_path: Path) -> None:
    """S2: "Once foo completes, bar will be called on the client": also when the program ends in that moment."""
    program = tmp_path / "program.py"
    program.write_text(
        "import cloud.mp as cloud\n"
        "def bar(jid): print(jid, 'completed!')\n"
        "cloud.join(cloud.call(abs, 1, _callback=[bar]))\n"
    )
    done = [
        subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=300, check=True).stdout
        for _ in range(3)
    ]
    assert done == ["1 completed!\n"] * 3
