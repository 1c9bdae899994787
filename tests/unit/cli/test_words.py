"""Small parts of the command line: jids, arguments, times, tables, what `top` draws."""

import logging
import signal
import time

import click
import pytest

from cloud.cli.answers import print_json
from cloud.cli.command_options import command_of
from cloud.cli.jids import read_word, text_of, together
from cloud.cli.messages import in_options
from cloud.cli.moments import ago, seconds_since_epoch
from cloud.cli.names import function_text
from cloud.cli.screen import told_of_sizes
from cloud.cli.table import clean, lines_of, width
from cloud.cli.top_view import duration, fitted, sparkline
from cloud.cli.trouble import Told
from cloud.cli.words import arguments_of, bindings_of, listed


def test_words_name_jobs() -> None:
    assert read_word("12") == (range(12, 13),)
    assert read_word("1,3-5,") == (range(1, 2), range(3, 6))
    assert read_word("15..20") == (range(15, 21),)
    assert together([read_word("1,2"), read_word("3-5"), read_word("9")]) == (range(1, 6), range(9, 10))
    assert [text_of(jids) for jids in (range(3, 4), range(3, 9))] == ["3", "3-8"]


@pytest.mark.parametrize("word", ["", "x", "5-3", "-3", "1-2-3", "1,,2", "9" * 19, "٣٤x"])
def test_what_names_no_jobs_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_word(word)


def test_arguments_are_json_or_text_and_may_have_names() -> None:
    assert arguments_of(["7", "[1, 2]", "seven", "a=true", "b=x=y", "9=3"]) == (
        [7, [1, 2], "seven", "9=3"],
        {"a": True, "b": "x=y"},
    )
    assert arguments_of(["7", "a=1"], as_text=True) == (["7"], {"a": "1"})
    assert bindings_of(["a=1=2"], "-d") == {"a": "1=2"}
    with pytest.raises(click.UsageError, match="NAME=VALUE"):
        bindings_of(["a"], "-d")


def test_lists_of_values_may_hold_commas() -> None:
    assert listed(r"a,b\,c,\d,") == ["a", "b,c", r"\d", ""]


def test_a_command_is_one_line_or_words_taken_apart() -> None:
    assert command_of(("ls -l | wc",)) == "ls -l | wc"
    assert command_of(("echo", "{a}", "two words", "$x")) == "echo {a} 'two words' '$x'"
    with pytest.raises(click.UsageError, match="options come before it"):
        command_of(("ls -l", "--json"))


def test_times_are_read_and_told() -> None:
    assert seconds_since_epoch("2d") == pytest.approx(time.time() - 172800, abs=60)
    assert seconds_since_epoch("1970-01-01T00:00:00+00:00") == 0
    now = time.time()
    assert [ago(now - seconds)[-5:] for seconds in (30, 300, 7300)] == ["s ago", "n ago", "h ago"]
    assert ago(86400 * 365) == "1971-01-01"
    assert [duration(s) for s in (0.25, 30, 67, 7389)] == ["0.2 s", "30 s", "1:07", "2:03:09"]


def test_tables_are_aligned_and_show_nothing_that_a_terminal_would_obey() -> None:
    shown = lines_of(("A", "B"), [["x\x1b[31m\ny", "1"], ["漢字", "22"]], gives_way=0, right=(1,))
    assert shown == ["A          B", "x [31m y   1", "漢字      22"]
    assert clean("a\tb\x00") == "a b "
    assert width("漢字é") == 5


def test_names_of_functions_fit_a_column() -> None:
    assert function_text("tools.square at /home/me/tools.py:7") == "tools.square"
    assert function_text("shell.ls -l at") == "ls -l at"


def test_rates_are_drawn_as_bars() -> None:
    assert sparkline([0, 1, 8]) == "▁▁█"
    assert sparkline([0, 0]) == "▁▁"


def test_messages_name_options_in_place_of_keywords() -> None:
    assert in_options("cloud.call: _max_runtime must be positive") == "--max-runtime must be positive"
    assert in_options("cloud.call: _cores=5 is not for _type='c1'") == "--cores=5 is not for --type='c1'"
    assert in_options("_type is 'x'; expected one of: c1") == "--type is 'x'; expected one of: c1"
    assert in_options("there is no '_type' in tools.py") == "there is no '_type' in tools.py"


def test_what_is_no_number_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1.5, float("nan"), {"b": float("inf")}], "c": object})
    assert capsys.readouterr().out == '{"a": [1.5, null, {"b": null}], "c": "<class \'object\'>"}\n'


def test_a_name_has_one_value() -> None:
    with pytest.raises(click.UsageError, match="-d says twice what a is"):
        bindings_of(["a=1", "a=2"], "-d")


def test_top_shows_as_much_as_there_is_room_for() -> None:
    columns = {"JIDS": 9, "FUNCTION": 14, "LABEL": 30, "": 12, "STATUS": 21}
    assert fitted(columns, 120) == {**columns, "FUNCTION": 38}
    assert fitted(columns, 80) == {**columns, "LABEL": 14}
    assert fitted(columns, 70) == {"JIDS": 9, "FUNCTION": 14, "LABEL": 18, "STATUS": 21}
    assert fitted(columns, 50) == {"JIDS": 9, "FUNCTION": 14, "STATUS": 21}
    assert fitted(columns, 40) == {"JIDS": 9, "FUNCTION": 8, "STATUS": 17}
    assert fitted(columns, 10) == {"JIDS": 9, "FUNCTION": 8, "STATUS": 8}


def test_a_terminal_of_another_size_is_drawn_at_once() -> None:
    drawn: list[bool] = []
    with told_of_sizes(lambda: drawn.append(True)):
        signal.raise_signal(signal.SIGWINCH)
    signal.raise_signal(signal.SIGWINCH)
    assert drawn == [True]


def test_who_waits_for_a_server_that_does_not_answer_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told()
    for seconds, asks_again in ((0.0, True), (0.9, True), (1.5, False), (2.0, True), (3.0, True)):
        record = logging.makeLogRecord({"msg": f"after {seconds}", "asks_again": asks_again})
        record.created = 1e9 + seconds
        told.handle(record)
    assert capsys.readouterr().err == "\r\x1b[Kpicloud: after 2.0\n"
