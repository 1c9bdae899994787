"""Outcomes that came with their job's receipt: given out once, for a moment."""

import pytest

from cloud.api import Ended
from cloud.client import fresh
from cloud.client.fresh import Fresh
from cloud.model import Outcomes


def ended(jid: int) -> Ended:
    return Ended(jid, Outcomes(1, 0, 1, b"\x02"))


def test_an_outcome_is_given_out_once() -> None:
    held = Fresh()
    held.put(ended(7))
    assert held.take((range(8, 9),)) is None
    assert held.take((range(7, 9),)) is None
    assert held.take((range(7, 8),)) == ended(7)
    assert held.take((range(7, 8),)) is None


def test_an_outcome_is_forgotten_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Fresh()
    held.put(ended(7))
    monkeypatch.setattr(fresh, "KEPT_SECONDS", 0.0)
    assert held.take((range(7, 8),)) is None
