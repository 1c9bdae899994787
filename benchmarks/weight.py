"""What the embedded server weighs: idle with two workers, and while a job prints a gigabyte."""

import sys
import time
from pathlib import Path

import cloud
from benchmarks.figure import Figure, write
from benchmarks.surroundings import family, folder_mb, fresh_home, proportional_mb, resident_mb, server_pid


def print_gigabyte(line_bytes: int) -> None:
    """Lines of one length, and nothing else."""
    lines = ("x" * (line_bytes - 1) + "\n") * max(1, 40_000 // line_bytes)
    for _ in range(1_000_000_000 // len(lines)):
        sys.stdout.write(lines)


def main() -> None:
    """Memory of the whole server is the proportional share of server, template, spare and workers together."""
    with fresh_home(workers=2) as home:
        cloud.result(cloud.map(time.sleep, [0.05] * 8))
        server = server_pid(home)
        idle = sum(proportional_mb(pid) for pid in family(server))
        figures = [Figure("server with two workers, idle", idle, "MB", at_most=120)]
        for line_bytes in (40, 64 * 1024):
            figures += _printing(server, home, line_bytes)
    write("weight", figures)


def _printing(server: int, home: Path, line_bytes: int) -> list[Figure]:
    """What a job that prints a gigabyte does to the server that keeps its last lines."""
    before, disk, most = resident_mb(server), folder_mb(home), 0.0
    jid = cloud.call(print_gigabyte, line_bytes)
    began = time.perf_counter()
    while cloud.status(jid) not in cloud.finished_statuses:
        most = max(most, resident_mb(server) - before)
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    assert cloud.status(jid) == "done"
    kept = cloud.info(jid, "stdout")[jid]["stdout"]
    assert len(kept.splitlines()) == min(1000, 4 * 1024 * 1024 // line_bytes), len(kept.splitlines())
    what = f"1 GB of output in lines of {line_bytes:,} bytes"
    return [
        Figure(f"{what}: memory", most, "MB", at_most=20),
        Figure(f"{what}: disk", folder_mb(home) - disk, "MB", at_most=20),
        Figure(f"{what}: takes", seconds, "s"),
    ]


if __name__ == "__main__":
    main()
