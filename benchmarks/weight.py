"""What the embedded server weighs: idle with two workers, and while a job prints a gigabyte."""

import sys
import time

import cloud
from benchmarks.figure import Figure, write
from benchmarks.surroundings import family, folder_mb, fresh_home, proportional_mb, resident_mb, server_pid


def print_gigabyte() -> None:
    """Short lines, then none."""
    lines = "a line of output that says nothing at all\n" * 1000
    for _ in range(1_000_000_000 // len(lines)):
        sys.stdout.write(lines)


def main() -> None:
    """Memory is the proportional share of server, template, spare and workers together."""
    with fresh_home(workers=2) as home:
        cloud.result(cloud.map(time.sleep, [0.05] * 8))
        server = server_pid(home)
        idle = sum(proportional_mb(pid) for pid in family(server))
        before, disk = resident_mb(server), folder_mb(home)
        most = 0.0
        jid = cloud.call(print_gigabyte)
        began = time.perf_counter()
        while cloud.status(jid) not in cloud.finished_statuses:
            most = max(most, resident_mb(server) - before)
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        assert cloud.status(jid) == "done"
        assert len(cloud.info(jid, "stdout")[jid]["stdout"].splitlines()) == 1000
        grown = folder_mb(home) - disk
    write(
        "weight",
        [
            Figure("server with two workers, idle", idle, "MB", at_most=120),
            Figure("a job prints 1 GB: server grows by", most, "MB", at_most=20),
            Figure("a job prints 1 GB: disk grows by", grown, "MB", at_most=20),
            Figure("a job prints 1 GB: takes", seconds, "s"),
        ],
    )


if __name__ == "__main__":
    main()
