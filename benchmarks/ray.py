"""Ten thousand jobs that do nothing, on one Ray cluster: by a server on PostgreSQL, and as one Ray task for each job.

PICLOUD_BENCH_STORE may name a PostgreSQL database for it; else a database is made for the run if PostgreSQL is
installed, and SQLite is used if it is not.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ray

import cloud
from benchmarks.figure import Figure, ratios, write
from benchmarks.served import database, server

JOBS, ROUNDS, CORES = 10_000, 5, 2
ENGINE = '[engine]\nkind = "ray"\naddress = "{address}"\nslots = {cores}\n'


def same(x: int) -> int:
    """The tiny job."""
    return x


def main() -> None:
    """Interleaved; medians of the ratios of each round. The cluster has cores for both: neither waits for the other."""
    expected = list(range(JOBS))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pcb-", ignore_cleanup_errors=True)))
        os.environ["PICLOUD_HOME"] = str(folder / "client")
        ray.init(num_cpus=2 * CORES, include_dashboard=False, log_to_driver=False, _temp_dir=str(folder / "ray"))
        stack.callback(ray.shutdown)
        store = stack.enter_context(database())
        engine = ENGINE.format(address=ray.get_runtime_context().gcs_address, cores=CORES)
        door = stack.enter_context(server(folder / "server", engine, store))
        cloud.setkey(door.key, door.secret, server_url=door.url)
        stack.callback(cloud.close)
        remote = ray.remote(same)
        ways: dict[str, Callable[[], list[int]]] = {
            "one Ray task per job": lambda: ray.get([remote.remote(i) for i in range(JOBS)]),
            "picloud": lambda: cloud.result(cloud.map(same, range(JOBS))),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(ROUNDS + 1):
            for way, run in ways.items():
                began = time.perf_counter()
                answer = run()
                elapsed = time.perf_counter() - began
                assert answer == expected
                if number:  # the first round starts workers
                    seconds[way].append(elapsed)
    figures = [Figure.median(f"{way}: jobs per second", [JOBS / s for s in seconds[way]], "1/s") for way in ways]
    ratio = ratios(seconds["one Ray task per job"], seconds["picloud"])
    on = "PostgreSQL" if store else "SQLite"
    figures.append(Figure.median(f"picloud on Ray, {on} / one Ray task per job", ratio, "times", at_least=5))
    write("ray", figures)


if __name__ == "__main__":
    main()
