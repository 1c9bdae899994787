"""Several on one cloud: how soon one hears of another's jobs, and how long one waits behind another's million."""

import contextlib
import json
import tempfile
import time
import urllib.request
from base64 import b64encode
from pathlib import Path

from benchmarks.figure import Figure, percentile, write
from benchmarks.served import Door, database, server
from cloud.client.http import Endpoint, HttpApi
from cloud.client.session import Session

WAKE_UPS, SINGLE, MILLION = 200, 20, 1_000_000
RUN_SECONDS = (0.001, 0.3)
"""Of each of the million jobs."""
SLOTS = "[engine]\nworkers = 2\n"


def ended(seconds: float) -> float:
    """Works for a moment; when it was over."""
    time.sleep(seconds)
    return time.time()


def work(_: int, seconds: float) -> None:
    """One of a million."""
    time.sleep(seconds)


def nothing() -> None:
    """The single job."""


def session(door: Door, key: tuple[str, str] | None = None) -> Session:
    """A client of a server."""
    name, secret = key or (door.key, door.secret)
    return Session(lambda: HttpApi(Endpoint(door.url, name, secret)))


def main() -> None:
    """The figures of DESIGN D19 and of several servers on one database."""
    with tempfile.TemporaryDirectory(prefix="pcb-", ignore_cleanup_errors=True) as folder:
        figures = wake_ups(Path(folder))
        for seconds in RUN_SECONDS:
            figures += single_jobs(Path(folder) / f"behind-{seconds}", seconds)
    write("team", figures)


def wake_ups(folder: Path) -> list[Figure]:
    """Two servers on one PostgreSQL: from the end of a job at one to the answer for who waits at the other."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(database())
        if not store:
            return []
        one = stack.enter_context(server(folder / "one", SLOTS, store))
        other = stack.enter_context(server(folder / "other", SLOTS, store, first=False))
        submits, waits = session(one), session(other, (one.key, one.secret))
        late = []
        for _ in range(WAKE_UPS):
            jid = int(submits.call(ended, 0.05))
            when = waits.result(jid)
            late.append((time.time() - when) * 1000)
        for client in (submits, waits):
            client.close()
    return [
        Figure("wake-up at another server: p50", percentile(late, 50), "ms", samples=late),
        Figure("wake-up at another server: p95", percentile(late, 95), "ms", at_most=50, samples=late),
    ]


def single_jobs(folder: Path, seconds: float) -> list[Figure]:
    """One account has a million jobs in the queue, another now and then a single one."""
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(server(folder, SLOTS))
        many, single = session(door), session(door, new_account(door))
        for client in (many, single):
            stack.callback(client.close)
        single.result(single.call(nothing))
        jobs = many.map(work, range(MILLION), [seconds] * MILLION)
        while many.status(jobs[0]) != "done":
            time.sleep(0.01)
        took = []
        for _ in range(SINGLE):
            time.sleep(0.2)
            began = time.perf_counter()
            single.result(single.call(nothing))
            took.append((time.perf_counter() - began) * 1000)
        many.kill()
    what = f"a single job behind another's million of {seconds * 1000:g} ms"
    return [
        Figure(f"{what}: p50", percentile(took, 50), "ms", samples=took),
        Figure(f"{what}: most", max(took), "ms", at_most=seconds * 1000 + 100, samples=took),
    ]


def new_account(door: Door) -> tuple[str, str]:
    """Key and secret of an account of its own."""
    proof = b64encode(f"{door.key}:{door.secret}".encode()).decode()
    request = urllib.request.Request(
        f"{door.url}/v1/keys",
        data=json.dumps({"note": "another", "new_account": True}).encode(),
        headers={"Authorization": f"Basic {proof}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        made = json.load(answer)
    made = made.get("key", made)
    return str(made["api_key"]), made["api_secretkey"]


if __name__ == "__main__":
    main()
