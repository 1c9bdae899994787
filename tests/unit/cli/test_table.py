"""Tables of the command line."""

import pytest

from cloud.cli.table import lines_of, narrowed, width


def test_one_long_text_does_not_widen_all_lines_and_is_cut_at_once() -> None:
    lines = lines_of(("JID", "LABEL", "WHEN"), [("1", "ä" * 1_000_000, "now"), ("2", "b", "now")], gives_way=1)
    assert max(map(width, lines)) < 220
    assert lines[1].endswith("…  now")


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    (_, line) = lines_of(("LABEL",), [("\x1b[31mred\r\n\u202e\ud800",)], gives_way=0)
    line.encode()
    assert line.isprintable()


@pytest.mark.parametrize(
    ("widths", "room", "shown"),
    [
        ((10, 20, 30), 60, [10, 20, 30]),
        ((10, 20, 30), 50, [10, 15, 25]),
        ((10, 20, 200), 60, [10, 20, 30]),
        ((10, 20, 200), 40, [10, 10, 20]),
        ((40, 20, 200), 60, [26, 8, 26]),
        ((40, 20, 200), 3, [8, 8, 8]),
    ],
)
def test_columns_are_cut_to_the_terminal(widths: tuple[int, ...], room: int, shown: list[int]) -> None:
    assert narrowed(widths, [1], room) == shown


def test_of_several_texts_the_longer_is_cut() -> None:
    assert narrowed((10, 20, 30), (1, 2), 45) == [10, 17, 18]
    assert narrowed((10, 4, 30), (1, 2), 30) == [10, 4, 16]
    assert narrowed((20, 4, 30), (1, 2), 30, whole=(0,)) == [20, 4, 8]
