"""The history: rings that never grow, counts by account, function and label, and samples only while things change."""

import asyncio

from cloud.model import Status
from cloud.server.history import MOST_ACCOUNTS, MOST_NAMES, History, Levels, Tally
from cloud.server.recorder import Recorder
from cloud.server.rings import MINUTES, SECONDS, Ring
from tests.support.world import World

NOW = 1_000_000_000.0


class Bench:
    """What a recorder reads of a core, with an engine and a clock that do what the test says."""

    def __init__(self) -> None:
        self.world = World(slots=2)
        self.dispatcher, self.store, self.engine = self.world.dispatcher, self.world.store, self.world.engine
        self.now = NOW
        self.loop = asyncio.new_event_loop()
        self.recorder = Recorder(self, self.loop, wall=lambda: self.now)  # type: ignore[arg-type]
        self.recorder.start()

    def sample(self, seconds: float = 1.0) -> bool:
        self.now += seconds
        return self.recorder.sample()

    def close(self) -> None:
        self.recorder.stop()
        self.loop.close()
        self.world.stop()


def test_a_ring_forgets_what_is_older_than_it_is_long() -> None:
    ring = Ring(1, 5)
    ring.put(NOW, 3)
    ring.put(NOW + 0.9, 4)
    ring.put(NOW + 2, 1)
    assert ring.read(NOW + 2) == [0, 0, 7, 0, 1]
    assert ring.read(NOW + 5) == [0, 1, 0, 0, 0]
    assert ring.read(NOW + 5, since=NOW + 4) == [0, 0]
    assert ring.read(NOW + 1e6) == [0, 0, 0, 0, 0]


def test_a_level_stays_what_it_was_until_it_is_set_and_shows_its_highest_in_a_step() -> None:
    ring = Ring(60, 4, level=True)
    ring.put(NOW, 3)
    ring.put(NOW + 1, 9)
    ring.put(NOW + 2, 2)
    ring.put(NOW + 180, 0)
    assert ring.read(NOW + 180) == [9, 2, 2, 0]


def test_what_is_remembered_of_many_accounts_and_names_is_bounded() -> None:
    history = History()
    for number in range(100):
        history.put_ended(NOW + number, 1, f"f{number}", f"label {number}", Tally(done=1))
        history.put_levels(NOW + number, number + 2, Levels())
    assert len(history.accounts) == MOST_ACCOUNTS
    history.put_ended(NOW, 1, "f", None, Tally(done=1))
    assert len(history.accounts) == MOST_ACCOUNTS
    for number in range(100):
        history.put_ended(NOW + number, 1, f"f{number}", f"label {number}", Tally(done=1))
    past = history.of(1)
    assert len(past.functions.known) == len(past.labels.known) == MOST_NAMES
    assert past.ended.total(SECONDS, NOW + 99).done == 201, "what has no numbers of its own is in those of all"


def test_jobs_are_counted_by_how_they_ended_and_by_function_and_label() -> None:
    bench = Bench()
    bench.world.map(4, label="rain", function_name="paint")
    bench.world.tick()
    first, second = bench.world.cids()
    bench.engine.finish(first, 0, 1)
    bench.engine.finish(second, 1, 2, Status.ERROR, error="no")
    bench.world.tick()
    assert bench.sample()
    past = bench.recorder.history.of(1)
    assert (past.levels.waiting, past.levels.queued, past.levels.processing) == (0, 0, 2)
    bench.world.run_all()
    assert bench.sample()
    assert past.ended.total(MINUTES, bench.now) == Tally(done=3, error=1, seconds=2.0)
    assert past.functions.totals(SECONDS, bench.now) == [("paint", Tally(3, 1, 0, 2.0))]
    assert past.labels.totals(SECONDS, bench.now) == [("rain", Tally(3, 1, 0, 2.0))]
    assert past.ended.done.read(SECONDS, bench.now)[-2:] == [1, 2]
    assert past.queued_labels.known["rain"].read(SECONDS, bench.now)[-2:] == [2, 0]
    assert past.queued_functions.known["paint"].read(SECONDS, bench.now)[-2:] == [2, 0]
    assert past.processing.read(SECONDS, bench.now)[-3:] == [0, 2, 0]
    assert bench.recorder.history.busy.read(SECONDS, bench.now)[-2:] == [2, 0]
    bench.close()


def test_the_history_of_an_account_has_nothing_of_another() -> None:
    bench = Bench()
    bench.world.map(1, account=2, label="secret")
    bench.world.map(1, account=1)
    bench.world.run_all()
    bench.sample()
    assert not bench.recorder.history.of(1).labels.known
    assert bench.recorder.history.of(1).ended.total(SECONDS, bench.now).done == 1
    bench.close()


def test_nothing_is_looked_at_while_nothing_changes() -> None:
    bench = Bench()
    assert bench.sample()
    assert not bench.sample()
    bench.world.map(5)
    assert bench.sample()
    assert not bench.sample(), "what runs for long changes nothing"
    bench.close()


def armed(bench: Bench) -> bool:
    return bench.recorder._timer is not None


def test_an_idle_server_has_no_timer_until_something_stirs_it() -> None:
    bench = Bench()
    bench.sample()
    bench.recorder.stop()
    bench.recorder = Recorder(bench, bench.loop, wall=lambda: bench.now)  # type: ignore[arg-type]
    bench.recorder.stir()
    assert armed(bench)
    for _ in range(2):  # the first one sees everything for the first time
        bench.recorder._sample()
    assert not armed(bench)
    bench.close()
