"""Asynchronous functions are jobs like others: each runs to its end in an event loop of its own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud import mp
from cloud.client import sessions
from cloud.errors import JobError
from tests.support.gates import Gate
from tests.support.waiting import HANG_SECONDS


@pytest.fixture(scope="module", autouse=True)
def _processes_end_with_the_tests() -> Iterator[None]:
    yield
    mp.close()


async def doubled(x: int) -> int:
    await asyncio.sleep(0)  # the job sleeps
    return 2 * x


async def gathered(n: int) -> list[int]:
    return list(await asyncio.gather(*[doubled(x) for x in range(n)]))


async def failing(x: int) -> int:
    await asyncio.sleep(0)  # the job sleeps
    try:
        return 1 // x
    except ZeroDivisionError as error:
        raise ValueError("no good") from error


async def of_jobs(n: int) -> int:
    return sum(await (await mp.aio.map(doubled, range(n))))


async def stopping(gate: Gate) -> None:
    print("before", flush=True)
    try:
        gate.stop()
    finally:
        print("cleaned up")


def test_calls_and_maps_of_them_return_what_they_return() -> None:
    assert mp.call(doubled, 4).result() == 8
    assert mp.map(doubled, range(3)).result() == [0, 2, 4]
    assert mp.call(gathered, 3).result() == [0, 2, 4]
    assert mp.call(lambda: doubled(5)).result() == 10


def test_their_failures_have_the_users_frames_alone() -> None:
    with pytest.raises(JobError) as raised:
        mp.call(failing, 0).result()
    text = raised.value.parameter
    assert isinstance(raised.value.__cause__, ValueError)
    assert "ZeroDivisionError" in text
    assert "raise ValueError" in text
    assert f"asyncio{os.sep}" not in text
    assert f"cloud{os.sep}wire" not in text


def test_they_await_other_jobs() -> None:
    assert mp.call(of_jobs, 4).result() == 12


def test_they_are_killed_as_others_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.agent.limits.GRACE_SECONDS", HANG_SECONDS)  # they have all the time that they need
    gate = Gate(str(tmp_path))
    job = mp.call(stopping, gate)
    gate.wait_for()
    job.kill()
    with pytest.raises(JobError, match="terminated"):
        job.result(timeout=300)
    assert job.stdout == "before\ncleaned up\n"


def test_their_profile_has_what_they_await() -> None:
    job = mp.call(gathered, 2, _profile=True)
    assert job.result() == [0, 2]
    assert "(doubled)" in mp.info(job, "profile")[job]["profile"]


def test_inline_they_run_inside_a_running_loop_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_SIMULATOR_INLINE", "1")
    before = sessions.activate(None)
    cloud.start_simulator()

    async def notebook() -> Any:
        return cloud.call(doubled, 2).result()

    try:
        assert cloud.call(doubled, 3).result() == 6
        assert asyncio.run(notebook()) == 4
        with pytest.raises(JobError, match="no good"):
            cloud.call(failing, 0).result()
    finally:
        sessions.close_all()
        sessions.activate(before)
