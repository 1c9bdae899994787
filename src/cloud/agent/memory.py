"""Memory that the processes of a worker hold (Linux)."""

from collections.abc import Iterator
from pathlib import Path

_KIB = 1024


def held_bytes(pid: int, most: int) -> int:
    """Bytes that a process and its descendants hold and that cannot be had back by dropping file pages: their own and
    shared memory. What several of them share counts once, if it matters: where the sum is not above `most`, it counts
    for each, which is cheaper to find out."""
    pids = list(_tree(pid))
    held = sum(_sum(Path(f"/proc/{p}/status"), ("RssAnon:", "RssShmem:")) for p in pids)
    if held <= most:
        return held
    return min(held, sum(_sum(Path(f"/proc/{p}/smaps_rollup"), ("Pss_Anon:", "Pss_Shmem:")) for p in pids))


def _tree(pid: int) -> Iterator[int]:
    todo = [pid]
    while todo:
        pid = todo.pop()
        yield pid
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (thread / "children").read_bytes().split())
        except OSError:
            continue  # it has just ended


def _sum(path: Path, wanted: tuple[str, ...]) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith(wanted))
