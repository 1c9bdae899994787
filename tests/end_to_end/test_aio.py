"""`cloud.aio` with real processes, and inside jobs."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import mp
from tests.support.gates import Gate

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "asyncio.md"


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    mp.close()
    yield
    mp.close()


def square(x: int) -> int:
    return x * x


def sum_of_squares(n: int) -> int:
    """In a job: awaits others, some of them at once."""
    from cloud import mp

    async def story() -> int:
        jobs = await asyncio.gather(*[mp.aio.call(square, i) for i in range(n)])
        return sum(await asyncio.gather(*[mp.aio.result(job) for job in jobs]))

    return asyncio.run(story())


def test_a_job_that_awaits_others_lends_its_only_slot(one_slot: None) -> None:
    async def story() -> list[int]:
        jobs = await mp.aio.map(sum_of_squares, [2, 3, 4])
        results: list[int] = await mp.aio.result(jobs, timeout=300)
        return results

    assert asyncio.run(story()) == [1, 5, 14]


def chatter(gate: Gate) -> None:
    print("before", flush=True)
    gate.stop()
    print("after", flush=True)


def test_output_is_followed_and_a_job_looked_at_while_the_loop_goes_on(tmp_path: Path) -> None:
    gate = Gate(str(tmp_path))

    async def story() -> list[str]:
        job = await mp.aio.call(chatter, gate)
        pieces = mp.aio.output(job, follow=True)
        found = [await anext(pieces)]
        await asyncio.to_thread(gate.wait_for)
        assert "gate.stop()" in await mp.aio.stack(job)
        assert "runs" in await mp.aio.why(job)
        async for _ in mp.aio.output(job, follow=True):
            break  # and wants no more
        gate.open()
        found += [piece async for piece in pieces]
        assert await mp.aio.output(job) == "before\nafter\n"
        await (await mp.aio.rerun(job))
        return found

    assert asyncio.run(story()) == ["before\n", "after\n"]
    mp.close()


def test_the_blocks_of_the_page_that_are_programs_run(home: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    programs = [block for block in blocks if "asyncio.run(" in block]
    assert len(programs) == 3
    printed = []
    for program in programs:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
        assert done.stderr == ""
        printed.append(done.stdout.split())
    assert printed[0] == ["49", "332833500"]
    assert printed[1] == ["20300"]
    assert printed[2][1] == "killed"
