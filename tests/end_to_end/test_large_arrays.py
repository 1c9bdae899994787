"""A large array costs the client no second copy, on its way there and on its way back."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud import mp
from cloud.client import connect
from cloud.client.session import Session

LARGE = 12_500_000
"""Numbers; 100 MB."""


@pytest.fixture(params=["mp", "server"])
def cloud(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    mp.close()
    session = mp._session if request.param == "mp" else connect.network_session()
    session.result(session.call(abs, 1))
    yield session
    session.close()


def peak_of(action: Callable[[], Any]) -> tuple[Any, int]:
    """What it returned, and how many bytes there were at most more than before."""
    tracemalloc.start()
    try:
        return action(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_argument_is_sent_from_where_it_is(cloud: Session) -> None:
    array = np.zeros(LARGE)
    array[7] = 3.0
    jid, peak = peak_of(lambda: cloud.call(lambda a: float(a[7]), array))
    assert peak < 10_000_000
    assert cloud.result(jid) == 3.0
    jids, peak = peak_of(lambda: cloud.map(lambda a, n: float(a[n]), [array], [7]))
    assert peak < 10_000_000
    assert cloud.result(jids) == [3.0]


def test_a_result_is_read_once_and_can_be_written_to(cloud: Session) -> None:
    jid = cloud.call(np.ones, LARGE)
    cloud.join(jid)
    result, peak = peak_of(lambda: cloud.result(jid))
    assert peak < 150_000_000, "one copy, which is the result itself"
    result[0] = 5.0
    assert result.sum() == LARGE + 4
