"""Progress: when it is shown, what it says, and how it fits a terminal."""

import io
import os
import pty
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cloud import config
from cloud.client import meter
from cloud.client.meter import Meter, meter_for
from cloud.client.progress import Progress
from cloud.client.progress_text import Counts, duration, rate
from cloud.client.session import Session
from cloud.client.terminal import Line
from cloud.config import ConfigError
from tests.support.scripted_api import ScriptedApi

JIDS = (range(1, 5),)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Any]]:
    """The two sides of a terminal; the second is what programs write to."""
    master, slave = pty.openpty()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    monkeypatch.setenv("TERM", "xterm")
    yield master, stream
    monkeypatch.undo()
    stream.close()
    os.close(master)


def shown(master: int) -> str:
    return os.read(master, 65536).decode().rpartition("\r\x1b[K")[2]


def test_nobody_looks_at_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO(), None, object()):
        monkeypatch.setattr(sys, "stderr", stream)
        assert meter_for(ScriptedApi, JIDS, 1, progress=True) is None


def test_the_keyword_is_above_the_option_and_the_option_can_be_switched(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal[1])
    before: object = config.progress
    assert before == "auto"
    assert meter_for(ScriptedApi, JIDS, 1, None) is not None
    assert meter_for(ScriptedApi, JIDS, 1, progress=False) is None
    config.progress = "off"
    config.commit()
    switched: object = config.progress
    assert switched is False
    assert meter_for(ScriptedApi, JIDS, 1, None) is None
    assert meter_for(ScriptedApi, JIDS, 1, progress=True) is not None
    with pytest.raises(ConfigError, match="progress is 'maybe'; expected True, False or 'auto'"):
        config.progress = "maybe"


def test_requests_of_web_servers_threads_and_dumb_terminals_show_nothing_unless_asked(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def look() -> None:
        found.append(meter._is_a_persons())

    def wsgi(environ: Any, start_response: Any) -> None:
        look()

    class Asgi:
        def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            look()

    look()
    wsgi(None, None)
    Asgi()(None, None, None)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    monkeypatch.setenv("TERM", "dumb")
    look()
    assert found == [True, False, False, False, False]


def test_half_a_second_costs_no_question_and_then_it_is_one_a_second(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal[1])
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    asked: list[float] = []

    class Api(ScriptedApi):
        def counts(self, jids: Any) -> dict[str, int]:
            asked.append(now[0])
            return {"processing": 4}

    found = Meter(Api, JIDS, "square", by_request=False)
    steps = []
    for at in (100.0, 100.2, 100.5, 100.7, 101.1, 101.6):
        now[0] = at
        steps.append(found.step(None, JIDS))
    assert steps == [0.5, pytest.approx(0.3), 1.0, 1.0, 1.0, 1.0]
    assert found.step(0.2, JIDS) == 0.2
    assert asked == [100.5, 101.6]
    found.end(KeyboardInterrupt)
    assert len(asked) == 2, "an interrupt is not held up"


def test_words_say_how_many_how_quick_and_how_long() -> None:
    counts = Counts("square", 10_000, 1)
    counts.take({"done": 1204, "error": 1, "stalled": 1, "processing": 8, "queued": 8786})
    counts.per_second = 1830.2
    assert counts.words() == ["1,204/10,000 done", "2 failed", "8 running", "1,830/s", "00:05 left"]
    begun = Counts("square", 4, 1)
    begun.take({"queued": 3, "waiting": 1})
    assert begun.words() == ["0/4 done", "3 queued", "00:00"]
    single = Counts("", 1, 17)
    single.elapsed_seconds = 61
    assert single.words() == ["job 17 unfinished", "01:01"]
    assert [rate(x) for x in (1830, 2.44, 0.4, 0.01)] == ["1,830/s", "2.4/s", "24/min", "36/h"]
    assert [duration(x) for x in (5.9, 3723, 90_061, 200_000)] == [
        "00:05",
        "1:02:03",
        "1 day 1:01:01",
        "2 days 7:33:20",
    ]


def test_the_line_fits_the_window_also_when_it_changes(terminal: Any) -> None:
    master, stream = terminal
    counts = Counts("w東京", 100, 1)
    counts.take({"done": 50, "processing": 2})
    counts.per_second = 3
    line = Line(stream)
    widths = {}
    for columns in (100, 40, 24, 6):
        termios.tcsetwinsize(stream.fileno(), (24, columns))
        line.show(counts)
        widths[columns] = shown(master)
    assert widths[100].startswith("w東京: 50/100 done · 2 running · 3.0/s · 00:17 left")
    assert len(widths[100]) == 100 - 1 - len("東京"), "the last column stays free"
    assert widths[100].count("#") == 18
    assert widths[40] == "w東京: 50/100 done · 2 running · 3.0/s"
    assert widths[24] == "w東京: 50/100 done"
    assert widths[6] == "w東京"


def test_a_terminal_without_unicode_gets_ascii_and_one_that_is_gone_is_no_error(terminal: Any) -> None:
    master, _ = terminal
    plain = open(os.ttyname(terminal[1].fileno()), "w", encoding="ascii")
    counts = Counts("wé", 2, 1)
    counts.elapsed_seconds = 3
    line = Line(plain)
    line.show(counts)
    assert shown(master).startswith("w?: 0/2 done, 00:03")
    plain.close()
    line.show(counts)
    line.end(counts, keep=True)


def test_a_cloud_that_does_not_tell_counts_is_not_asked_in_vain(terminal: Any) -> None:
    class Api(ScriptedApi):
        def counts(self, jids: Any) -> dict[str, int]:
            raise OSError("gone")

    progress = Progress(Api(), JIDS, "", 0.0, Line(terminal[1]))
    progress.waits(3)
    assert "1/4 done" in shown(terminal[0])
    progress.end(well=True)


def test_inside_a_job_nothing_is_shown(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal[1])
    monkeypatch.setattr(meter, "inside_channel", object)
    assert meter_for(ScriptedApi, JIDS, 1, progress=True) is None


def test_every_wait_takes_the_keyword(busy: Session) -> None:
    job = busy.call(abs, 1)
    jobs = busy.map(abs, [1, 2])
    assert job.result(progress=False) == 1
    job.join(progress=True)
    assert jobs.result(progress=True) == list(jobs.iresult(progress=True)) == [1, 2]
    jobs.join(progress=False)
    busy.join(jobs, progress=True)
    assert [value for _, value in busy.iresult_unordered(jobs, progress=True)] == [1, 2]
