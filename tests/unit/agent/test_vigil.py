"""An agent that expects a record in a moment stays awake for it, as long as that pays."""

import mmap
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloud.agent.vigil import PASSED_OVER, Vigil
from cloud.agent.worker import Worker
from cloud.model import Status
from cloud.wire.ring import SIZE_BYTES, Ring


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a vigil sees of one that has a job."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    ring = Ring(mmap.mmap(-1, SIZE_BYTES))
    yield SimpleNamespace(tail=0, ring=ring, batches=["one"])
    ring.close()


def of(worker: Any) -> Vigil:
    return Vigil({1: cast(Worker, worker)})


def test_a_record_that_is_there_is_seen_at_once(worker: Any) -> None:
    worker.ring.publish(0, Status.DONE, 0, 1.5, 0.25, b"result")
    assert of(worker).sees()


def test_after_one_for_nothing_some_are_passed_over(worker: Any) -> None:
    vigil = of(worker)
    assert not vigil.sees()
    worker.ring.publish(0, Status.DONE, 0, 1.5, 0.25, b"result")
    assert [vigil.sees() for _ in range(PASSED_OVER + 1)] == [False] * PASSED_OVER + [True]


def test_where_there_is_one_processor_nobody_stays_awake(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    worker.ring.publish(0, Status.DONE, 0, 1.5, 0.25, b"result")
    assert not of(worker).sees()
