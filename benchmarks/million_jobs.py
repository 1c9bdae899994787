"""A million jobs in one map, behind a dependency that is not met: sent, looked at, killed."""

import contextlib
import random
import sqlite3
import time
from pathlib import Path

import cloud
from benchmarks.figure import Figure, percentile, write
from benchmarks.surroundings import fresh_home, resident_mb, server_pid, stop_server

JOBS = 1_000_000


def same(x: int) -> int:
    """The job."""
    return x


def main() -> None:
    """One round; these are limits, not races."""
    with fresh_home(workers=2) as home:
        gate = cloud.call(time.sleep, 3600)
        server = server_pid(home)
        before = resident_mb(server)

        began = time.perf_counter()
        jids = cloud.map(same, range(JOBS), _depends_on=gate)
        sent = time.perf_counter() - began
        grown = resident_mb(server) - before

        asked = []
        for jid in random.Random(0).choices(jids, k=1000):
            began = time.perf_counter()
            assert cloud.status(jid) == "waiting"
            asked.append((time.perf_counter() - began) * 1000)

        began = time.perf_counter()
        cloud.kill(jids)
        killed = time.perf_counter() - began
        assert cloud.status(jids[JOBS // 2]) == "killed"

        rows = _rows(home)
        parents = cloud.map(same, range(10_000), _depends_on=gate)
        cloud.map(same, range(10_000), _depends_on=parents)
        more = _rows(home) - rows
        cloud.kill()
    write(
        "million_jobs",
        [
            Figure("submission of a million", sent, "s", at_most=15),
            Figure("server's memory grew by", grown, "MB", at_most=100),
            Figure("status of one of them, p99", percentile(asked, 99), "ms", at_most=5, samples=asked),
            Figure("kill of all of them", killed, "s", at_most=1),
            Figure("10,000 behind 10,000 adds", more, "rows", at_most=300),
        ],
    )


def _rows(home: Path) -> int:
    """Rows of all tables of the server's database. The server has it for itself, so it is stopped first."""
    stop_server(home)
    [path] = home.glob("server/*/jobs.db")
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return sum(database.execute(f'select count(*) from "{table}"').fetchone()[0] for table in tables)


if __name__ == "__main__":
    main()
