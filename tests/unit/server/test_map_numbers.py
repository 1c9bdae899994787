"""What a map page tells: right for small maps, a bounded part of large ones, and never much without a pause."""

import asyncio
import math
from array import array
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from cloud.dispatch.ports import Store
from cloud.model import Outcomes, Status, Stretch, Submission
from cloud.server.dashboard import chosen
from cloud.server.dashboard.histogram import histogram
from cloud.server.dashboard.listing import list_submissions, row_of
from cloud.server.dashboard.map_numbers import MapNumbers, Numbers
from cloud.server.dashboard.map_page import packed_statuses
from cloud.server.dashboard.run_times import SAMPLED
from cloud.server.dashboard.search import Wanted
from cloud.stores.sqlite import SQLiteStore
from tests.support.stores import claimed, ended, submit, whole

T = TypeVar("T")
MILLION = 1_000_000
DONE, ERROR = Status.DONE, Status.ERROR


class Counting:
    """A store that counts of how many jobs outcomes are read, in all and at the most between two pauses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.jobs = self.at_once = self.most_at_once = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def outcomes(self, *arguments: Any, **more: Any) -> list[Outcomes]:
        found = self._store.outcomes(*arguments, **more)
        read = sum(outcomes.count for outcomes in found)
        self.jobs += read
        self.at_once += read
        self.most_at_once = max(self.most_at_once, self.at_once)
        return found

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        """The answer; whoever else waits for the loop gets their turn at each pause."""

        async def pauses() -> None:
            while True:
                self.at_once = 0
                await asyncio.sleep(0)

        async def both() -> T:
            other = asyncio.ensure_future(pauses())
            try:
                return await asked
            finally:
                other.cancel()

        self.jobs = self.at_once = self.most_at_once = 0
        return asyncio.run(both())


@pytest.fixture(scope="module")
def crowd() -> Iterator[tuple[Counting, Submission]]:
    """A million finished jobs, each hundredth of which failed."""
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, MILLION, label="many")
    statuses = [ERROR if i % 100 == 50 else DONE for i in range(1000)]
    errors = [b"Traceback\nValueError: no 7 here" if status is ERROR else b"" for status in statuses]
    with store.transaction():
        for lo in range(0, MILLION, 1000):
            row = ended(submission.sid, lo, lo + 1000, statuses=statuses, error=errors)
            row.runtime[17] = 1.0 + lo / MILLION
            store.finish(cid, row)
    yield Counting(store), submission
    store.close()


async def numbers_of(numbers: MapNumbers, store: Any, submission: Submission, *, whole: bool = True) -> Numbers:
    """As the page has them; with `whole`, when all failures are looked into."""
    while True:
        found = await numbers.of(submission, row_of(store, submission).counts)
        if found.whole or not whole:
            return found


def test_the_numbers_of_a_million_jobs_are_made_in_slices_and_each_failure_is_read_once(
    crowd: tuple[Counting, Submission],
) -> None:
    store, submission = crowd
    numbers = MapNumbers(store)
    found = store.run(numbers_of(numbers, store, submission))
    assert (store.jobs <= SAMPLED + MILLION + 100 * 1000, store.most_at_once <= chosen.SLICE) == (True, True)
    assert [line.jid - submission.jids.start for line in found.slowest[:2]] == [999_017, 998_017]
    (group,) = found.groups
    assert (found.looked_into, group.count, group.text, group.first) == (10_000, 10_000, "ValueError: no 7 here", 50)
    assert [line.jid - submission.jids.start for line in found.failed] == list(range(50, 850, 100))
    assert found.times is not None
    assert found.times.count == SAMPLED
    store.run(numbers_of(numbers, store, submission))
    assert store.jobs == 0  # nothing has ended since


def test_a_page_that_does_not_wait_tells_how_many_failures_it_is_about(crowd: tuple[Counting, Submission]) -> None:
    store, submission = crowd
    numbers = MapNumbers(store, patience_seconds=0.0)
    found = store.run(numbers_of(numbers, store, submission, whole=False))
    assert (found.whole, found.looked_into < 10_000) == (False, True)
    assert sum(group.count for group in found.groups) == found.looked_into


def test_nobody_waits_for_the_numbers_of_a_page_that_is_closed(crowd: tuple[Counting, Submission]) -> None:
    store, submission = crowd
    now = 100.0

    def later() -> float:
        nonlocal now
        now += 10.0
        return now

    numbers = MapNumbers(store, later, patience_seconds=60.0)
    found = store.run(numbers_of(numbers, store, submission, whole=False))
    assert (found.whole, store.jobs < MILLION / 2) == (False, True)


def test_the_page_of_submissions_reads_no_outcome_of_a_million(crowd: tuple[Counting, Submission]) -> None:
    store, submission = crowd
    page = store.run(list_submissions(store, submission.account, Wanted()))
    assert page.rows[0].counts == {"done": 990_000, "error": 10_000}
    assert store.jobs == 0


def test_the_grid_of_a_million_is_made_in_slices(crowd: tuple[Counting, Submission]) -> None:
    store, submission = crowd
    data = store.run(packed_statuses(store, submission, range(MILLION)))
    assert store.most_at_once <= chosen.SLICE
    assert len(data) < 20_000


def test_the_failed_of_a_million_are_found_in_slices(crowd: tuple[Counting, Submission]) -> None:
    store, submission = crowd
    picked = chosen.picked(store, submission.account, [submission.sid, submission.sid])
    found = store.run(chosen.choose(store, picked, chosen.meant("rerun", "failed")))
    assert (found.count, found.submissions, store.most_at_once <= chosen.SLICE) == (10_000, 1, True)
    everything = chosen.picked(store, submission.account, [submission.sid])
    found = store.run(chosen.choose(store, everything, chosen.meant("delete", "")))
    assert (found.jids, store.jobs) == ([submission.jids], 0)


def test_a_map_under_way_has_new_numbers_every_two_seconds_and_at_its_end() -> None:
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, 3)
    now = 100.0
    numbers = MapNumbers(store, lambda: now)

    def slowest() -> int:
        return len(asyncio.run(numbers_of(numbers, store, submission)).slowest)

    def end(index: int) -> None:
        with store.transaction():
            store.finish(cid, ended(submission.sid, index, index + 1))

    end(0)
    assert slowest() == 1
    end(1)
    assert slowest() == 1
    now = 102.5
    assert slowest() == 2
    end(2)
    assert slowest() == 3
    store.close()


def test_failures_of_jobs_that_never_ran_are_one_group() -> None:
    store = SQLiteStore(":memory:")
    submission = submit(store, 5000)
    with store.transaction():
        store.settle(Outcomes.uniform(submission.sid, 0, 5000, Status.KILLED, "killed by the user"))
    numbers = asyncio.run(numbers_of(MapNumbers(store), store, submission))
    assert (numbers.times, numbers.slowest, len(numbers.failed)) == (None, [], 8)
    (group,) = numbers.groups
    assert (group.text, group.status, group.count) == ("killed by the user", Status.KILLED, 5000)
    store.close()


def test_what_a_map_under_way_adds_is_all_that_is_read(crowd: tuple[Counting, Submission]) -> None:
    inner = SQLiteStore(":memory:")
    store = Counting(inner)
    submission, cid = claimed(inner, 100_000)
    now = 0.0
    numbers = MapNumbers(store, lambda: now)

    def end(lo: int) -> None:
        statuses = [ERROR if i % 3 == 0 else DONE for i in range(1000)]
        with inner.transaction():
            inner.finish(cid, ended(submission.sid, lo, lo + 1000, statuses=statuses, error=[b"no"] * 1000))

    for lo in range(0, 50_000, 1000):
        end(lo)
    assert store.run(numbers_of(numbers, store, submission)).looked_into == 50 * 334
    end(50_000)
    now += 3
    assert store.run(numbers_of(numbers, store, submission)).looked_into == 51 * 334
    assert store.jobs < 3000
    inner.close()


@pytest.mark.parametrize("count", [2, 5, 19, 20, 21, 50, 20_001])
def test_of_few_jobs_all_run_times_are_told_and_of_many_a_sample(count: int) -> None:
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, count)
    numbers = MapNumbers(store)
    with store.transaction():
        store.finish(cid, ended(submission.sid, 0, count - 1))

    def told(made: MapNumbers) -> int:
        times = asyncio.run(numbers_of(made, store, submission)).times
        assert times is not None
        return times.count

    assert told(numbers) == count - 1 if count <= SAMPLED else told(numbers) > SAMPLED - 20
    with store.transaction():
        store.finish(cid, ended(submission.sid, count - 1, count))
    assert told(numbers) == told(MapNumbers(store)) == min(count, told(MapNumbers(store)))
    assert told(numbers) >= min(count, SAMPLED - 20)
    store.close()


def test_after_a_deletion_the_failures_that_are_left_are_told() -> None:
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, 10)
    numbers = MapNumbers(store)
    errors = [b"ValueError: %d" % (i % 2) for i in range(10)]
    with store.transaction():
        store.finish(cid, ended(submission.sid, 0, 10, statuses=[ERROR] * 10, error=errors))
    assert asyncio.run(numbers_of(numbers, store, submission)).looked_into == 10
    with store.transaction():
        store.delete(Stretch(submission.sid, 0, 4))
    found = asyncio.run(numbers_of(numbers, store, submission))
    assert (found.looked_into, found.groups[0].count, found.groups[0].first) == (6, 6, 4)
    assert [line.jid - submission.jids.start for line in found.failed] == [4, 5, 6, 7, 8, 9]
    store.close()


def test_jobs_that_can_be_changed_are_those_in_a_fitting_place() -> None:
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, 10)
    with store.transaction():
        store.finish(cid, ended(submission.sid, 2, 5, statuses=[DONE, ERROR, DONE]))
        store.give_back(cid, 8, 10)
        store.delete(Stretch(submission.sid, 2, 3))
    first = submission.jids.start

    def these(change: str, only: str) -> list[range]:
        found = asyncio.run(chosen.jids_with(store, submission, chosen.meant(change, only)))
        return [range(item.start - first, item.stop - first) for item in found]

    assert these("kill", "") == [range(2), range(5, 10)]
    assert these("kill", "queued") == [range(8, 10)]
    assert these("delete", "") == [range(3, 5)]
    assert these("rerun", "error") == [range(3, 4)]
    assert these("rerun", "processing") == []
    assert these("rerun", "no such word") == []
    assert len(store.outcomes(whole(submission))) > 0
    store.close()


def test_run_times_are_bars_of_equal_ratios_when_they_are_far_apart() -> None:
    assert histogram(array("d")) is None
    one = histogram(array("d", [0.5] * 7))
    assert one is not None
    assert ([bar.count for bar in one.bars], one.median) == ([7], 0.5)
    wide = histogram(array("d", [10 ** (i / 100) for i in range(-300, 300)]))
    assert wide is not None
    assert sum(bar.count for bar in wide.bars) == 600
    assert max(bar.count for bar in wide.bars) <= 26
    assert math.isclose(wide.bars[1].stop / wide.bars[1].start, wide.bars[5].stop / wide.bars[5].start)
    even = histogram(array("d", [1 + i / 100 for i in range(100)]))
    assert even is not None
    assert math.isclose(even.bars[0].stop - even.bars[0].start, even.bars[9].stop - even.bars[9].start)
    assert (even.longest, round(even.most, 2)) == (1.99, 1.95)
