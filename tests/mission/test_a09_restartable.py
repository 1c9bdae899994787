"""SPEC A.9: restartability. The hardware that fails is a worker process, killed from outside."""

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import JobError
from tests.support.gates import Paper


def lost_at_first(paper: Paper) -> str:
    """The worker is lost the first time."""
    paper.write("began")
    if len(paper.lines) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "written"


def called(cloud: Session, paper: Paper, **reserved: Any) -> Any:
    return cloud.call(lost_at_first, paper, **reserved).result()


def mapped(cloud: Session, paper: Paper, **reserved: Any) -> Any:
    jobs: Iterable[Paper] = [paper]
    return cloud.map(lost_at_first, jobs, **reserved).result()[0]


@pytest.mark.parametrize("start", [called, mapped])
def test_by_default_a_lost_job_is_run_again(cloud: Session, paper: Paper, start: Callable[..., Any]) -> None:
    """S38: `_restartable=True` can be omitted; beyond: every attempt is on record."""
    assert start(cloud, paper) == "written"
    assert paper.lines == ["began"] * 2


@pytest.mark.parametrize("start", [called, mapped])
def test_a_job_that_must_not_be_restarted_fails_instead(
    cloud: Session, paper: Paper, start: Callable[..., Any]
) -> None:
    """S39: an exception that says what happened, on `call` and `map`; anything but a bool is a TypeError."""
    with pytest.raises(JobError, match="_restartable") as error:
        start(cloud, paper, _restartable=False)
    assert error.value.status == "error"
    assert paper.lines == ["began"]
    with pytest.raises(TypeError, match="_restartable"):
        start(cloud, paper, _restartable=1)
