"""Tables of the command line."""

from cloud.cli.table import lines_of, width


def test_one_long_text_does_not_widen_all_lines_and_is_cut_at_once() -> None:
    lines = lines_of(("JID", "LABEL", "WHEN"), [("1", "ä" * 1_000_000, "now"), ("2", "b", "now")], gives_way=1)
    assert max(map(width, lines)) < 220
    assert lines[1].endswith("…  now")


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    (_, line) = lines_of(("LABEL",), [("\x1b[31mred\r\n\u202e\ud800",)], gives_way=0)
    line.encode()
    assert line.isprintable()
