"""Progress of waits, on a real terminal, of jobs in real processes."""

import codecs
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import eventually

WORK = """
import os, sys, time
import cloud
from cloud import mp

def work(seconds):
    time.sleep(seconds)
    return seconds

def until(file):
    "Ends when the test makes that file, which it does when it has seen enough."
    if not file:
        raise ValueError(file)
    while not os.path.exists(file):
        time.sleep(0.01)

def beside(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)

work.__name__ = work.__qualname__ = until.__name__ = until.__qualname__ = "w\\x1b[31mork"
"""


class Terminal:
    """A terminal, with a program that thinks a person sits before it."""

    def __init__(self, tmp_path: Path, program: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(WORK + program)
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))
        self.process = subprocess.Popen(
            [sys.executable, str(path)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "PICLOUD_WORKERS": "2", "TERM": "xterm", "NO_COLOR": "1"},
            preexec_fn=lambda: os.login_tty(os.dup(slave)),
        )
        os.close(slave)
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the program has ended
                return
            self.seen += self._decoder.decode(data)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> str:
        """All that was written, once the program has ended."""
        self.process.wait(300)
        self._thread.join(60)
        return self.seen

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        os.close(self._master)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def screen(text: str) -> list[str]:
    """The lines that are left when everything was obeyed."""
    left = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = line.rpartition("\r\x1b[K")[2]
        assert "\x1b" not in shown, "nothing else is said to the terminal"
        left.append(shown)
    return left


def test_waits_show_how_far_they_are_and_leave_what_went_wrong(tmp_path: Path, terminals: list[Terminal]) -> None:
    program = """
jobs = mp.map(work, [0] * 100)
mp.join(jobs, progress=False)
mp.result(jobs)
print("quick")
print(len(mp.result(mp.map(until, [beside("first")] * 12))), "good")
mp.join(mp.map(until, [beside("second")] * 15 + [""]), ignore_errors=True)
for value in mp.iresult(mp.map(work, [0.7, 0.1])):
    print("got", value)
mp.join(mp.call(work, 0.6), progress=False)
print("end")
"""
    terminals.append(Terminal(tmp_path, program))
    for line, file in (("/12 done · ", "first"), ("/16 done · ", "second")):
        eventually(lambda line=line: line in terminals[0].seen, what=line)  # type: ignore[misc]
        (tmp_path / file).touch()
    seen = terminals[0].end()
    before, _, rest = seen.partition("quick")
    assert "\x1b" not in before, "a short wait shows nothing"
    assert "w?[31mork: " in rest
    assert "[" in rest.partition("/12 done")[2].partition("\r")[0]
    lines = screen(seen)
    kept = lines.pop(2)
    assert lines == ["quick", "12 good", "got 0.7", "got 0.1", "end", ""]
    assert re.match(r"w\?\[31mork: 15/16 done · 1 failed · \d\d:\d\d", kept)


def test_an_interrupt_leaves_the_terminal_clean(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminals.append(Terminal(tmp_path, "mp.join(mp.call(work, 60))"))
    terminal = terminals[0]
    eventually(lambda: " processing · " in terminal.seen, what="the line of a single job")
    terminal.type("\x03")
    lines = screen(terminal.end().replace("^C", ""))
    assert lines[0].startswith("w?[31mork: 0/1 done")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-2] == "KeyboardInterrupt"


def test_nothing_is_shown_in_a_pipe_whatever_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        WORK + "cloud.config.progress = True\ncloud.config.commit()\nmp.join(mp.call(work, 0.7), progress=True)"
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, timeout=300, check=True)
    assert done.stdout + done.stderr == b""
