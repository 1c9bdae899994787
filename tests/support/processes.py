"""Processes that a test started, however far they detached: found by a mark in their environment (Linux)."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.support.waiting import eventually

MARK = "PICLOUD_TEST_RUN"
"""Environment variable that all processes of one test run inherit."""


def command_line(pid: int) -> str:
    """What a process was started with; '' when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def descendants(pid: int) -> set[int]:
    """Living processes below this one, zombies left out."""
    return _below({pid}, _parents()) - {pid}


def marked(*needles: str) -> dict[int, str]:
    """Living processes whose environment or command line holds one of the needles, and all processes below them.

    This process and those above it are left out. Empty on systems without /proc.
    """
    parents = _parents()
    wanted = [needle.encode() for needle in needles]
    found = {pid for pid in parents if any(needle in _words(pid) for needle in wanted)}
    pid: int | None = os.getpid()
    above = set()
    while pid is not None and pid > 0:
        above.add(pid)
        pid = parents.get(pid)
    return {pid: command_line(pid) for pid in sorted(_below(found - above, parents) - above)}


def end(pids: Iterable[int]) -> None:
    """Ask the processes to end and wait until they have.

    Raises:
        AssertionError: one was still there at the deadline.
    """
    asked = list(pids)
    for pid in asked:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    eventually(lambda: not any(command_line(pid) for pid in asked), what=f"end of processes {asked} after SIGTERM")


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not name.isdigit():
            continue
        try:
            stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state not in "ZX":
            parents[int(name)] = int(parent)
    return parents


def _below(roots: set[int], parents: dict[int, int]) -> set[int]:
    reached = set(roots)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in reached} - reached
        reached |= more
        grown = bool(more)
    return reached


def _words(pid: int) -> bytes:
    words = b""
    for name in ("environ", "cmdline"):
        try:
            words += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue
    return words
