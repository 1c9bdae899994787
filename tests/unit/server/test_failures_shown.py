"""Tracebacks in pieces, and output without what it tells a terminal."""

import json
import traceback

import pytest

from cloud.model import Code, CodeFile
from cloud.server.dashboard.failure import read_failure
from cloud.server.dashboard.sources import add_sources
from cloud.server.dashboard.terminal import plain
from cloud.stores.blobs import MemoryBlobs


def traced() -> str:
    try:
        json.loads("{")
    except ValueError as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError


def test_the_users_frames_stand_apart_from_those_of_libraries() -> None:
    failure = read_failure(traced())
    assert [block.users for block in failure.blocks if block.frames] == [True, False]
    mine = failure.blocks[1].frames[0]
    assert mine.function == "traced"
    assert mine.code[0] == 'json.loads("{")'
    assert mine.innermost
    assert mine.brief == "server/test_failures_shown.py"
    assert len(failure.blocks[2].frames) >= 2


def test_modules_that_travelled_are_the_users_and_show_no_folder_of_the_worker() -> None:
    folder = "/tmp/picloud-x/code-" + "0a" * 16
    text = f'Traceback (most recent call last):\n  File "{folder}/pipe/steps.py", line 3, in f\n    g()\nKeyError: 1\n'
    (frame,) = read_failure(text).blocks[1].frames
    assert (frame.users, frame.brief) == (True, "pipe/steps.py")


def test_the_surroundings_of_the_failure_come_from_the_code_that_travelled() -> None:
    module = "import json\n\n\ndef read(text):\n    # as it came\n    found = json.loads(text)\n    return found\n\n\n"
    file = CodeFile("steps.py", "d", len(module))
    code = Code("0a" * 32, ((file, module.encode()),))
    text = (
        'Traceback (most recent call last):\n  File "/tmp/code-%s/steps.py", line 6, in read\n'
        "    found = json.loads(text)\n            ^^^^^^^^^^\nKeyError: 1\n" % ("0a" * 16)
    )
    failure = read_failure(text)
    add_sources(failure, code, MemoryBlobs().read)
    (frame,) = failure.blocks[1].frames
    assert [(line.number, line.text, line.here) for line in frame.around] == [
        (2, "", False), (3, "", False), (4, "def read(text):", False), (5, "    # as it came", False),
        (6, "    found = json.loads(text)", True), (None, "            ^^^^^^^^^^", True),
        (7, "    return found", False),
    ]  # fmt: skip
    other = read_failure(text.replace("found = json", "lost = json"))
    add_sources(other, code, MemoryBlobs().read)
    assert other.blocks[1].frames[0].around == [], "that is another text than the one that ran"


def test_the_headline_is_the_exception_that_was_not_caught() -> None:
    assert read_failure(traced()).headline.startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert read_failure("Could not depickle job\nTraceback (most recent call last):\nKeyError: 'a'\n").headline == (
        "KeyError: 'a'"
    )


def test_nothing_of_a_text_is_lost() -> None:
    text = "before\n" + traced() + "TIP: do better\n\nafter\n"
    failure = read_failure(text)
    kept = "".join(
        block.text or "".join(f"{f.file}{f.line}{f.function}{''.join(f.code)}" for f in block.frames)
        for block in failure.blocks
    )
    for word in ("before", "Traceback", "TIP: do better", "after", "traced", 'json.loads("{")'):
        assert word in kept


def test_an_exception_group_is_understood() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ExceptionGroup("many", [inner, ValueError("no")]) from None
    except ExceptionGroup as group:
        failure = read_failure("".join(traceback.format_exception(group)))
    assert sum(len(block.frames) for block in failure.blocks) == 2


@pytest.mark.parametrize("text", ["", "\n", 'File "', '  File "x", line 9' + "9" * 30, "a" * 100_000, "x\n" * 9000])
def test_any_text_is_shown(text: str) -> None:
    read_failure(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\x1b[1;31mred\x1b[0m\n", "red\n"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        (" 10%\r 50%\r100%\n", "100%\n"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("bell\x07 and \x00 nothing", "bell and  nothing"),
        ("\x1b[31", "31"),
    ],
)
def test_escapes_are_left_out(written: str, read: str) -> None:
    assert plain(written) == read
