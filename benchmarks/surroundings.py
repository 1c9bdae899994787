"""A server for one benchmark: own config directory, given number of workers, gone afterwards; and what it weighs."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cloud


@contextmanager
def fresh_home(workers: int) -> Iterator[Path]:
    """Point `cloud` at an empty config directory; the first use of `cloud` in the block starts a server there."""
    home = Path(tempfile.mkdtemp(prefix="picloud-bench-"))
    os.environ["PICLOUD_HOME"] = str(home)
    os.environ["PICLOUD_WORKERS"] = str(workers)
    try:
        yield home
    finally:
        cloud.close()
        stop_server(home)
        shutil.rmtree(home, ignore_errors=True)


def stop_server(home: Path) -> None:
    """End the server of this config directory and wait until it has; the next use of `cloud` starts it again."""
    pid = server_pid(home)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while server_pid(home) and time.monotonic() < deadline:
            time.sleep(0.02)


def server_pid(home: Path) -> int:
    """Process id of the server of this config directory; 0 if there is none."""
    for card in home.glob("server/*/server.json"):
        pid = int(json.loads(card.read_text())["pid"])
        return pid if Path(f"/proc/{pid}/exe").exists() else 0
    return 0


def family(pid: int) -> list[int]:
    """The process and all below it (Linux)."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
            except OSError:
                continue
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of one process, in MB."""
    return _field(f"/proc/{pid}/status", "VmRSS:")


def proportional_mb(pid: int) -> float:
    """Memory of one process, shared pages divided among those who share them (PSS), in MB."""
    return _field(f"/proc/{pid}/smaps_rollup", "Pss:")


def folder_mb(folder: Path) -> float:
    """Bytes on disk below a folder, in MB."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def _field(path: str, name: str) -> float:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
