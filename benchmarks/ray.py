"""Ten thousand jobs that do nothing, on one Ray cluster: by a server on PostgreSQL, and as one Ray task for each job.

PICLOUD_BENCH_STORE may name a PostgreSQL database for it; else a database is made for the run if PostgreSQL is
installed, and SQLite is used if it is not.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

import cloud
from benchmarks.figure import Figure, ratios, write

JOBS, ROUNDS, CORES = 10_000, 5, 2
SETTINGS = """
[server]
port = {port}
url = "http://127.0.0.1:{port}"
[store]
url = "{store}"
[blobs]
url = "{blobs}"
[engine]
kind = "ray"
address = "{address}"
slots = {cores}
"""


def same(x: int) -> int:
    """The tiny job."""
    return x


@contextmanager
def database() -> Iterator[str]:
    """URL of a PostgreSQL database, or '' where there is none."""
    if given := os.environ.get("PICLOUD_BENCH_STORE"):
        yield given
        return
    try:
        from tests.support.postgres import Cluster

        cluster = Cluster()
    except BaseException as error:  # whatever the tests do where they cannot run
        print(f"SQLite it is: {error}", file=sys.stderr)
        yield ""
        return
    try:
        yield cluster.url()
    finally:
        cluster.close()


@contextmanager
def server(store: str, folder: Path, address: str) -> Iterator[None]:
    """`picloud serve` on the cluster; `cloud` is its client."""
    settings = folder / "picloud.toml"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = SETTINGS.format(
        store=store or folder / "store", blobs=folder / "blobs", address=address, cores=CORES, port=port
    )
    settings.write_text(text)
    command = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(settings)]
    env = {**os.environ, "PICLOUD_HOME": str(folder / "home")}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"PICLOUD_URL=(\S+) PICLOUD_API_KEY=(\S+) PICLOUD_API_SECRETKEY=(\S+)", line):
                cloud.setkey(found[2], found[3], server_url=found[1])
                break
        else:
            raise RuntimeError(f"the server did not start: {(folder / 'log').read_text()[-2000:]}")
        yield
    finally:
        cloud.close()
        process.terminate()
        process.communicate()


def main() -> None:
    """Interleaved; medians of the ratios of each round. The cluster has cores for both: neither waits for the other."""
    expected = list(range(JOBS))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pcb-", ignore_cleanup_errors=True)))
        os.environ["PICLOUD_HOME"] = str(folder / "client")
        ray.init(num_cpus=2 * CORES, include_dashboard=False, log_to_driver=False, _temp_dir=str(folder / "ray"))
        stack.callback(ray.shutdown)
        store = stack.enter_context(database())
        stack.enter_context(server(store, folder, ray.get_runtime_context().gcs_address))
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
