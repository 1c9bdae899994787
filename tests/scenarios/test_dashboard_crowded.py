"""Pages of a server with many jobs: how much they make the store do, counted in its own steps and not by a clock."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.crowded import crowded_site

SIZES = {"finished": 100_000, "running": 2_000, "calls": 1_000}
STEPS = 1000
"""The handler is called after so many steps of SQLite's machine, which does about a hundred million in a second."""
MOST = 80
"""So often it may be called for a page: less than a step for each job, and a millisecond of work."""


class Counter:
    """How often SQLite said that it is still at work."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return 0


@pytest.fixture(scope="module")
def steps() -> dict[str, int]:
    """By page, all of them asked of one server."""
    pages = {
        "jobs": "/jobs", "found": "/jobs?label=million", "map": "/maps/{finished}", "running map": "/maps/{running}",
        "job": "/jobs/{failed}", "running job": "/jobs/{call}", "overview": "/overview",
        "curves": "/overview/curves?by=function", "server": "/server",
    }  # fmt: skip

    async def ask() -> dict[str, int]:
        found = {}
        async with crowded_site(None, **SIZES) as (site, jids):
            for name, address in pages.items():
                counter = Counter()
                watch: Callable[..., None] = vars(site.store)["_db"].set_progress_handler
                watch(counter, STEPS)
                await site.get(address.format(**jids))
                watch(None, STEPS)
                found[name] = counter.calls
        return found

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "page", ["jobs", "found", "map", "running map", "job", "running job", "overview", "curves", "server"]
)
def test_a_page_reads_few_rows_whatever_the_number_of_jobs(steps: dict[str, int], page: str) -> None:
    assert steps[page] < MOST, steps
