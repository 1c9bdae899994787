"""Alarms, limits and the mask of new files end with the job that set them; its worker goes on."""

import os
import resource
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from cloud import mp


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    mp.close()
    yield
    mp.close()


def changing(how: str) -> int:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 60)
    os.umask(0o777)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5 if how == "lower for good" else hard))
    if how == "raise":
        raise ValueError("no")
    return os.getpid()


def standing() -> Any:
    mask = os.umask(0o022)
    os.umask(mask)
    return os.getpid(), signal.getitimer(signal.ITIMER_REAL), mask, resource.getrlimit(resource.RLIMIT_NOFILE)


@pytest.mark.parametrize("how", ["return", "raise"])
def test_the_next_job_finds_the_process_as_it_was(how: str) -> None:
    before = mp.call(standing).result()
    mp.join(mp.call(changing, how), ignore_errors=True)
    after = mp.call(standing).result()
    assert after == before
    assert after[1] == (0.0, 0.0)


def test_where_it_cannot_be_restored_the_next_job_has_another_process() -> None:
    (_, *before) = mp.call(standing).result()
    assert mp.call(changing, "lower for good").result() > 0
    (_, *after) = mp.call(standing).result()
    assert after == before
