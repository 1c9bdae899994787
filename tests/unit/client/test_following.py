"""`cloud.output`: text out of pieces, wherever they were cut, and a remark where something is missing."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from cloud.api import JobApi, OutputPiece
from cloud.client.following import follow_output, read_output
from cloud.client.session import Session


class Speaker:
    """Answers with what it was given, and notes what it was asked."""

    def __init__(self, *pieces: OutputPiece) -> None:
        self.pieces = list(pieces)
        self.asked: list[tuple[int, int, float | None]] = []

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        assert (jid, stream) == (7, "stdout")
        self.asked.append((start, attempt, timeout_seconds))
        return self.pieces.pop(0)


def piece(start: int, data: bytes, *, ended: bool = False, attempt: int = 1) -> OutputPiece:
    return OutputPiece(start, data, ended=ended, attempt=attempt)


def api_of(speaker: Speaker) -> Callable[[], JobApi]:
    return lambda: cast(JobApi, speaker)


def followed(*pieces: OutputPiece) -> list[str]:
    return list(follow_output(api_of(Speaker(*pieces)), "cloud.output", 7, "stdout"))


def test_pieces_come_as_they_are_and_each_is_asked_for_behind_the_one_before() -> None:
    speaker = Speaker(piece(0, b"one\n"), piece(4, b""), piece(4, b"two\n"), piece(8, b"", ended=True))
    assert list(follow_output(api_of(speaker), "cloud.output", 7, "stdout")) == ["one\n", "two\n"]
    assert [(start, attempt) for start, attempt, _ in speaker.asked] == [(0, 0), (4, 1), (4, 1), (8, 1)]


def test_a_character_that_was_cut_in_two_comes_whole_and_half_a_one_at_the_end_as_a_question_mark() -> None:
    whole = "é€".encode()
    assert followed(piece(0, whole[:3]), piece(3, whole[3:]), piece(5, whole[2:3], ended=True)) == ["é", "€", "\ufffd"]


def test_a_gap_is_told_on_a_line_of_its_own() -> None:
    assert followed(piece(0, b"one\n"), piece(10, b"two"), piece(20, b"\n", ended=True)) == [
        "one\n",
        "[6 bytes left out]\n",
        "two",
        "\n[7 bytes left out]\n",
        "\n",
    ]


def test_what_was_dropped_before_the_beginning_needs_no_remark() -> None:
    assert followed(piece(100, b"tail\n", ended=True)) == ["tail\n"]


def test_output_of_another_attempt_begins_behind_a_remark() -> None:
    assert followed(piece(0, b"one\ntw"), piece(0, b"one\n", attempt=2), piece(4, b"two\n", ended=True, attempt=2)) == [
        "one\ntw",
        "\n[the job runs again, attempt 2]\n",
        "one\n",
        "two\n",
    ]


def test_without_following_only_the_last_attempt_counts_and_nothing_is_waited_for() -> None:
    speaker = Speaker(
        piece(0, b"one\n"), piece(0, b"on", attempt=2), piece(2, b"e\n", attempt=2), piece(4, b"", attempt=2)
    )
    assert read_output(cast(JobApi, speaker), 7, "stdout") == "one\n"
    assert {timeout for _, _, timeout in speaker.asked} == {0}


@pytest.mark.parametrize(
    ("arguments", "kind"), [(([1, 2],), TypeError), (("1",), TypeError), ((1, "stdin"), ValueError)]
)
def test_wrong_arguments_are_refused_before_anything_is_asked(arguments: Any, kind: type[Exception]) -> None:
    def never() -> JobApi:
        raise AssertionError

    session = Session(never)
    for follow in (False, True):
        with pytest.raises(kind):
            session.output(*arguments, follow=follow)
