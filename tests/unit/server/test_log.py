"""What a server writes down, and how often."""

import io
import logging

import pytest

from cloud.server.log import Repeats


@pytest.fixture
def said() -> tuple[logging.Logger, io.StringIO, Repeats]:
    written = io.StringIO()
    handler, repeats = logging.StreamHandler(written), Repeats(1000.0)
    handler.addFilter(repeats)
    log = logging.getLogger(f"trial-{id(handler)}")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return log, written, repeats


def test_the_same_warning_is_written_once_and_others_always(said: tuple[logging.Logger, io.StringIO, Repeats]) -> None:
    log, written, _ = said
    for _ in range(5):
        log.error("the store does not answer: %s", "gone")
        log.info("a line that everybody wants")
    log.error("the store does not answer: %s", "full")
    lines = written.getvalue().splitlines()
    assert [line for line in lines if "store" in line] == [
        "the store does not answer: gone", "the store does not answer: full",
    ]  # fmt: skip
    assert lines.count("a line that everybody wants") == 5


def test_after_a_while_it_says_how_often_it_was_left_out(said: tuple[logging.Logger, io.StringIO, Repeats]) -> None:
    log, written, repeats = said
    for _ in range(4):
        log.warning("100 % full")
    repeats.seconds = 0.0
    log.warning("100 % full")
    assert written.getvalue().splitlines()[-1] == "100 % full (3 times more since it was last written here)"
    log.warning("100 % full")
    assert written.getvalue().splitlines()[-1] == "100 % full"


def test_faults_are_all_written_with_their_tracebacks(said: tuple[logging.Logger, io.StringIO, Repeats]) -> None:
    log, written, _ = said
    for fault in ("one", "two"):
        try:
            raise RuntimeError(fault)
        except RuntimeError:
            log.exception("a fault in the core")
    assert "RuntimeError: one" in written.getvalue()
    assert "RuntimeError: two" in written.getvalue()
