"""What is said of agents that the cluster does not start."""

import logging
from collections import Counter

import pytest

from cloud.engines.fleet.growth import ROOM_SECONDS, Growth
from cloud.engines.fleet.kinds import AgentType, Kinds
from cloud.wire.message import Header


class NoRoom:
    """Takes every wish and fulfils none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def start(self, wanted: Header) -> str:
        self.asked.append(f"{wanted['type']}-{len(self.asked)}")
        return self.asked[-1]


def test_agents_that_do_not_come_are_told_of_once_with_what_they_need(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    lines = NoRoom()
    table = {"big": AgentType(memory_bytes=16_000_000_000, gpus=1, slots=1, least=1)}
    growth = Growth(lines, Kinds(table, slots=8, least=2, most=2))  # type: ignore[arg-type]
    for seconds in (0.0, ROOM_SECONDS / 2, ROOM_SECONDS, ROOM_SECONDS + 1):
        growth.grow(Counter(), seconds)
    assert [record.getMessage().partition("not come: ")[2] for record in caplog.records] == [
        "2, each of which needs a machine with 8 cores free",
        "1, each of which needs a machine with 1 core and 16.0 GB of memory and 1 GPU free",
    ]
    assert len(lines.asked) == 3


def test_of_agents_that_came_or_failed_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    lines = NoRoom()
    growth = Growth(lines, Kinds(None, slots=1, least=2, most=2))  # type: ignore[arg-type]
    growth.grow(Counter(), 0.0)
    assert growth.joined(lines.asked[0])
    growth.failed(lines.asked[1], "its machine is gone", 1.0)
    caplog.clear()
    growth.grow(Counter({"c1": 2}), ROOM_SECONDS * 2)
    assert not caplog.records
    deadline = growth.next_deadline()
    assert deadline is None or deadline < ROOM_SECONDS
