"""Pages of the dashboard with ten thousand jobs that run and a million that are finished: each within 200 ms."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.crowded import Site, crowded_site
from benchmarks.figure import Figure, write

ROUNDS = 5
PAGES = {
    "Jobs": "/jobs", "Jobs by label": "/jobs?label=million", "Jobs by status": "/jobs?status=processing",
    "Map of a million": "/maps/{finished}", "its grid": "/maps/{finished}/statuses",
    "Map that runs": "/maps/{running}", "Job": "/jobs/{failed}",
    "Job that runs": "/jobs/{call}", "Overview": "/overview", "charts": "/overview/curves?by=label", "Files": "/files",
    "Keys": "/keys", "Server": "/server",
}  # fmt: skip


async def measure() -> list[Figure]:
    """Each page several times, after a first one that is not counted; and how long it holds up everybody else."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="picloud-bench-") as folder:
        async with crowded_site(Path(folder)) as (site, jids):
            for name, address in PAGES.items():
                took, held = await _page(site, address.format(**jids))
                figures.append(Figure.median(name, took, "ms", at_most=200))
                figures.append(Figure(f"{name}: longest hold-up", held, "ms"))
    return figures


async def _page(site: Site, address: str) -> tuple[list[float], float]:
    await site.get(address)
    took, held = [], 0.0
    for _ in range(ROUNDS):
        lag = asyncio.ensure_future(_longest_hold_up())
        await asyncio.sleep(0)
        began = time.perf_counter()
        await site.get(address)
        took.append((time.perf_counter() - began) * 1000)
        lag.cancel()
        held = max(held, await lag)
    return took, held


async def _longest_hold_up() -> float:
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return max(longest, time.perf_counter() - last) * 1000


def main() -> None:
    """One process, in which nothing else happens."""
    write("dashboard", asyncio.run(measure()))


if __name__ == "__main__":
    main()
