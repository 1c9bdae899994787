"""S62a: the log file is replaced when it is full, and any number of processes may write to it."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.config.shared_file import KEPT, MAX_BYTES, SharedFile

WRITER = """
import logging, os, sys
from cloud.config.shared_file import SharedFile
handler = SharedFile(sys.argv[1], max_bytes=20_000, kept=50)
def say(who):
    for i in range(300):
        handler.emit(logging.LogRecord("Cloud", logging.INFO, "", 0, f"{who} {i} " + 40 * "x", None, None))
say(sys.argv[2])
child = os.fork()
say(f"{sys.argv[2]}-{'child' if child == 0 else 'parent'}")
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("Cloud", logging.INFO, "", 0, text, None, None)


def test_as_large_and_as_many_as_the_specification_says() -> None:
    """S62a."""
    assert (MAX_BYTES, KEPT) == (4 * 1024 * 1024, 7)


def test_a_full_file_becomes_the_first_of_its_predecessors(tmp_path: Path) -> None:
    path = tmp_path / "home" / "cloud.log"
    handler = SharedFile(str(path), max_bytes=100, kept=3)
    for number in range(30):
        handler.emit(record(f"{number:02} {40 * '.'}"))
    handler.close()
    names = ["cloud.log", "cloud.log.1", "cloud.log.2", "cloud.log.3"]
    assert sorted(os.listdir(path.parent)) == names
    lines = [line[:2] for name in reversed(names) for line in (path.parent / name).read_text().splitlines()]
    assert lines == [f"{number:02}" for number in range(22, 30)]
    assert all((path.parent / name).stat().st_size <= 100 for name in names)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_is_too_long_is_written_all_the_same(tmp_path: Path) -> None:
    handler = SharedFile(str(tmp_path / "log"), max_bytes=10)
    handler.emit(record("a" * 50))
    handler.emit(record("b" * 50))
    handler.close()
    assert (tmp_path / "log").read_text() == "b" * 50 + "\n"


def test_processes_that_write_together_lose_and_mix_nothing(tmp_path: Path) -> None:
    """S62a."""
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(tmp_path / "log")]
    writers = [subprocess.Popen([*command, str(n)]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    who = [f"{n}{part}" for n in range(3) for part in ("", "-child", "-parent")]
    assert sorted(lines) == sorted(f"{name} {i} {40 * 'x'}" for name in who for i in range(300))
    assert len(list(tmp_path.iterdir())) > 5


def test_a_file_that_somebody_removed_is_begun_anew(tmp_path: Path) -> None:
    handler = SharedFile(str(tmp_path / "log"))
    handler.emit(record("one"))
    (tmp_path / "log").unlink()
    handler.emit(record("two"))
    handler.close()
    assert (tmp_path / "log").read_text() == "two\n"


def test_what_cannot_be_written_is_lost_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    handler = SharedFile(str(tmp_path / "file" / "log"))
    handler.emit(record("lost"))
    handler.emit(logging.LogRecord("Cloud", logging.INFO, "", 0, "%d", ("no number",), None))
    handler.close()
    assert capfd.readouterr() == ("", "")
