"""Who is told of which job: each watch once, whatever ranges the news comes in."""

from cloud.api import Ended
from cloud.client.roll import Roll, Watch


class Deaf(Watch):
    """Wants to hear, and does nothing about it."""

    def hear(self, ended: Ended, jids: range) -> None:
        pass

    def lost(self, jid: int | None) -> None:
        pass


def test_each_job_is_missed_until_it_is_taken() -> None:
    roll = Roll()
    one, many, twin = Deaf((range(3, 4),)), Deaf((range(1, 5), range(8, 10))), Deaf((range(3, 4),))
    for watch in (one, many, twin):
        roll.add(watch)
    assert roll.missing == (range(1, 5), range(8, 10))
    news = roll.take(range(3, 9))
    assert [(watch, jids) for watch, jids in news if watch is not many] == [(one, range(3, 4)), (twin, range(3, 4))]
    assert [jids for watch, jids in news if watch is many] == [range(3, 5), range(8, 9)]
    assert roll.missing == (range(1, 3), range(9, 10))
    assert roll.take(range(3, 9)) == []
    roll.take(range(100))
    assert roll.missing == one.missing == many.missing == ()


def test_thousands_of_single_watches_are_one_range() -> None:
    roll = Roll()
    for jid in range(5000):
        roll.add(Deaf((range(jid, jid + 1),)))
    assert [*roll.missing] == [range(5000)]
    assert len(roll.take(range(10, 4000))) == 3990
    assert [*roll.missing] == [range(10), range(4000, 5000)]
