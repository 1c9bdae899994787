"""`JobApi.stack`: where a running job is, whatever it does, and without its noticing."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.api import JobApi
from cloud.errors import JobNotFound, JobNotRunning
from tests.contracts.test_job_api import SOON, submit, wait_for
from tests.support.job_apis import SPEAKERS, speaker
from tests.support.waiting import eventually


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[JobApi]:
    """Each speaker, on a real core with worker processes."""
    with speaker(request.param) as api:
        yield api


@pytest.fixture(scope="module")
def pool() -> Iterator[JobApi]:
    """One of them."""
    with speaker("in process") as api:
        yield api


def stack_with(api: JobApi, jid: int, *texts: str) -> str:
    """Ask until these are in the answer."""
    seen = ""

    def there() -> bool:
        nonlocal seen
        try:
            seen = api.stack(jid)
        except JobNotRunning as error:
            seen = str(error)
        return all(text in seen for text in texts)

    eventually(there, within_seconds=SOON, what=f"{texts} in the stack")
    return seen


def end(api: JobApi, jid: int) -> None:
    jids = (range(jid, jid + 1),)
    api.kill(jids, force=True)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished


def error_of(api: JobApi, jid: int) -> str:
    jids = (range(jid, jid + 1),)
    assert not api.wait(jids, timeout_seconds=SOON, stop_on_failure=False).unfinished
    return str(api.info(jids, ["exception"])[0]["exception"] or "")


def spin() -> None:
    n = 0
    while True:
        n += 1  # round and round


def in_c() -> None:
    import re

    re.match(r"(a+)+$", "a" * 60 + "b")  # years, with the interpreter lock held


def deep(n: int) -> None:
    if n:
        deep(n - 1)
    spin()


def two_threads() -> None:
    import threading

    def other() -> None:
        threading.Event().wait()

    threading.Thread(target=other, daemon=True).start()
    spin()


def test_the_innermost_call_is_last_and_nothing_of_ours_is_shown(api: JobApi, tmp_path: Path) -> None:
    jid = submit(api, wait_for, [(str(tmp_path / "open"),)]).start
    text = stack_with(api, jid, "time.sleep(0.005)")
    lines = text.splitlines()
    assert lines[0] == "Main thread (most recent call last):"
    assert lines[-2].endswith(", in wait_for")
    assert lines[-2].startswith('  File "')
    assert "test_job_api.py" in lines[-2]
    assert lines[-1].strip() == "time.sleep(0.005)  # the job sleeps"
    assert len(lines) == 3
    (tmp_path / "open").touch()
    assert error_of(api, jid) == ""
    with pytest.raises(JobNotRunning, match="done") as caught:
        api.stack(jid)
    assert (caught.value.jid, caught.value.status) == (jid, "done")


def test_jobs_that_are_not_there_or_wait_are_told_apart(api: JobApi, tmp_path: Path) -> None:
    with pytest.raises(JobNotFound):
        api.stack(10**9)
    first = submit(api, wait_for, [(str(tmp_path / "open"),)])
    second = submit(api, abs, [(1,)], depends_on=(first,)).start
    with pytest.raises(JobNotRunning, match="waiting") as caught:
        api.stack(second)
    assert "why" in (caught.value.hint or "")
    (tmp_path / "open").touch()
    assert error_of(api, second) == ""


@pytest.mark.parametrize(("function", "shown"), [(spin, "in spin"), (in_c, "re.match(")])
def test_a_job_that_never_looks_up_shows_where_it_is(pool: JobApi, function: Callable[[], None], shown: str) -> None:
    jid = submit(pool, function, [()]).start
    stack_with(pool, jid, shown)
    end(pool, jid)


def test_the_outer_frames_of_a_deep_recursion_are_left_out(pool: JobApi) -> None:
    jid = submit(pool, deep, [(500,)]).start
    lines = stack_with(pool, jid, "in spin").splitlines()
    assert lines[:2] == ["Main thread (most recent call last):", "  [outer frames left out]"]
    assert sum(", in deep" in line for line in lines) > 90
    end(pool, jid)


def test_other_threads_of_the_job_are_shown_behind(pool: JobApi) -> None:
    jid = submit(pool, two_threads, [()]).start
    text = stack_with(pool, jid, "in spin", ", in other")
    assert text.index("in spin") < text.index("\nThread 0x") < text.index(", in other")
    assert "_bootstrap" not in text
    end(pool, jid)


def blocked_in_read(path: str) -> str:
    import os

    fd = os.open(path, os.O_RDONLY)
    return os.read(fd, 100).decode()


def blocked_in_recv(path: str) -> str:
    import socket

    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        return line.recv(100).decode()


def blocked_in_wait(path: str) -> str:
    import subprocess

    return subprocess.run(["cat", path], check=True, capture_output=True, text=True).stdout


def blocked_in_select(path: str) -> str:
    import os
    import select

    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    poll = select.epoll()
    poll.register(fd, select.EPOLLIN)
    poll.poll()
    return os.read(fd, 100).decode()


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (blocked_in_read, "os.read(fd, 100)"),
        (blocked_in_recv, "line.recv(100)"),
        (blocked_in_wait, "subprocess.run("),
        (blocked_in_select, "poll.poll()"),
    ],
)
def test_what_a_job_waits_for_is_not_interrupted(
    pool: JobApi, tmp_path: Path, function: Callable[[str], str], call: str
) -> None:
    path = str(tmp_path / "line")
    with socket.socket(socket.AF_UNIX) as listener:
        if function is blocked_in_recv:
            listener.bind(path)
            listener.listen()
        else:
            os.mkfifo(path)
        jid = submit(pool, function, [(path,)]).start
        speak = _answering(listener) if function is blocked_in_recv else _into(path)
    for _ in range(5):
        stack_with(pool, jid, call)
    speak(b"hello")
    assert error_of(pool, jid) == ""
    answer = pool.outcomes((range(jid, jid + 1),), timeout_seconds=SOON)[0].outcomes
    assert b"hello" in bytes(answer.bytes_of("result", 0))
    info = pool.info((range(jid, jid + 1),), ["stdout", "stderr"])[0]
    assert bytes(info["stdout"]) == bytes(info["stderr"]) == b""


def _answering(listener: socket.socket) -> Callable[[bytes], object]:
    line, _ = listener.accept()

    def speak(data: bytes) -> None:
        with line:
            line.sendall(data)

    return speak


def _into(path: str) -> Callable[[bytes], object]:
    line = open(path, "wb", buffering=0)  # waits for the reader

    def speak(data: bytes) -> None:
        line.write(data)
        line.close()

    return speak


def handles_it(path: str) -> str:
    import signal
    import time

    from cloud.wire.worker import STACK_SIGNAL

    seen: list[int] = []
    signal.signal(STACK_SIGNAL, lambda number, frame: seen.append(number))
    open(f"{path}.ready", "w").close()
    while not os.path.exists(path):
        time.sleep(0.005)  # the job sleeps
    return str(seen)


def ignores_it(path: str) -> None:
    import signal

    from cloud.wire.worker import STACK_SIGNAL

    signal.signal(STACK_SIGNAL, signal.SIG_IGN)
    open(f"{path}.ready", "w").close()
    wait_for(path)


@pytest.mark.parametrize(("function", "said"), [(handles_it, "handles signal"), (ignores_it, "took away the handler")])
def test_a_job_that_uses_the_signal_itself_is_told_so_and_the_next_is_not_affected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Callable[[str], Any], said: str
) -> None:
    for module in ("agent.stacks", "dispatch.stack_question"):  # a process may stand still for a moment
        monkeypatch.setattr(f"cloud.{module}.GIVE_UP_SECONDS", SOON)
    path = str(tmp_path / "open")
    with speaker("in process") as api:
        jid = submit(api, function, [(path,)]).start
        eventually(lambda: os.path.exists(f"{path}.ready"), within_seconds=SOON)
        with pytest.raises(JobNotRunning, match=said) as caught:
            api.stack(jid)
        assert caught.value.jid == jid
        Path(path).touch()
        assert error_of(api, jid) == ""
        jid = submit(api, spin, [(), ()]).start
        for each in (jid, jid + 1):
            stack_with(api, each, "in spin")
