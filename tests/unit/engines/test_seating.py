"""Seats at agents elsewhere."""

from types import SimpleNamespace
from typing import Any

from cloud.agent.estimates import Estimates
from cloud.engines.fleet.engine import _WORKER
from cloud.engines.fleet.kinds import Kinds
from cloud.engines.fleet.member import Member
from cloud.engines.fleet.seating import Seating


def test_a_slot_is_lent_also_by_the_millionth_worker_of_an_agent() -> None:
    """Each job with `_kill_process` has one of its own."""
    waiting = (1 << 20) + 5
    line: Any = SimpleNamespace(name="agent")
    member = Member(3, line, 1, 0.0, "c1", {})
    member.state = {"blocked": [[waiting, [[1, 2]]]]}
    patience: Any = None
    seating = Seating({"agent": member}, Kinds(None, slots=1, least=1, most=1), Estimates(), patience)
    (blocked,) = member.blocked()
    (seat,) = seating.offer_lent(blocked.worker)
    assert (seat.agent, seat.worker & _WORKER) == ("agent", waiting)
