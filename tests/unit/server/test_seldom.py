"""What takes long takes a small share of the time."""

from typing import Any

from cloud.server.seldom import SHARE, Seldom


class SlowStore:
    """Counts in two seconds."""

    def __init__(self) -> None:
        self.now, self.looks = 100.0, 0

    def backlog(self) -> list[tuple[int, int, int]]:
        self.looks += 1
        self.now += 2.0
        return [(1, 0, self.looks)]


def test_a_look_that_took_long_is_not_repeated_soon() -> None:
    store: Any = SlowStore()
    look = Seldom(store.backlog, lambda: float(store.now))
    assert [look.read() for _ in range(3)] == [[(1, 0, 1)]] * 3
    store.now += 2.0 * SHARE - 0.1
    assert look.read() == [(1, 0, 1)]
    store.now += 0.2
    assert look.known == [(1, 0, 1)]
    assert look.read() == [(1, 0, 2)]
