"""Failures of a map by what was raised: each counted once, in whatever order jobs end and rows of the store merge."""

import asyncio
import random
import re
from collections import Counter

import pytest

from cloud.model import Outcomes, Status, Submission
from cloud.server.dashboard import failures
from cloud.server.dashboard.failures import Failures, exception_of
from cloud.stores.sqlite import SQLiteStore
from tests.support.stores import claimed, ended, submit

DONE, ERROR, KILLED = Status.DONE, Status.ERROR, Status.KILLED
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line {line}, in f\n    f({line})\n{raised}\n'
NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)*(?:e[-+]?\d+)?")
RAISED = (
    "ValueError: mean {n}.5, sd 1.{n}e-05",
    "ValueError: picture {n} is too dark",
    "KeyError: {n}",
    "KeyError: 7",
    "module.Wrong: <thing at 0x{n:x}> has {n} legs",
    "module.Wrong: {n}… or so\nand a second line {n}",
    "RuntimeError: always the same",
    "OSError: picture",
    "OSError: picture {n}",
)


def looked(failed: Failures) -> Failures:
    assert asyncio.run(failed.look(lambda: True))
    return failed


def told(failed: Failures) -> dict[tuple[Status, str], int]:
    return {(group.status, group.text): group.count for group in failed.groups()}


def expected(texts: dict[int, tuple[Status, str]]) -> dict[tuple[Status, str], int]:
    """The same, said more simply."""
    kinds: dict[tuple[Status, str], Counter[str]] = {}
    for status, text in texts.values():
        raised = exception_of(text)
        kinds.setdefault((status, NUMBER.sub("…", raised)), Counter())[raised] += 1
    return {(status, merged(list(raised))): raised.total() for (status, _), raised in kinds.items()}


def merged(raised: list[str]) -> str:
    """The same words, with the numbers that are the same in all."""
    numbers = [found[0] if len(set(found)) == 1 else "…" for found in zip(*map(NUMBER.findall, raised), strict=True)]
    words = NUMBER.split(raised[0])
    return "".join(word + number for word, number in zip(words, [*numbers, ""], strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_all_failures_so_far_whatever_ended_in_which_order(seed: int) -> None:
    chance = random.Random(seed)
    store = SQLiteStore(":memory:")
    submission, cid = claimed(store, 600)
    failed = Failures(store, submission)
    texts: dict[int, tuple[Status, str]] = {}
    pieces = [(lo, lo + 6) for lo in range(0, 600, 6)]
    chance.shuffle(pieces)
    for number, (lo, hi) in enumerate(pieces):
        statuses = [chance.choice((DONE, DONE, ERROR, KILLED)) for _ in range(lo, hi)]
        errors = []
        for index, status in enumerate(statuses, lo):
            raised = chance.choice(RAISED).format(n=chance.choice((3, 12, 345, 7)))
            text = TRACEBACK.format(line=chance.choice((1, 22)), raised=raised)
            errors.append(b"" if status is DONE else text.encode())
            if status is not DONE:
                texts[index] = status, text
        with store.transaction():
            store.finish(cid, ended(submission.sid, lo, hi, statuses=statuses, error=errors))
        if number % 7 == 0:
            assert told(looked(failed)) == expected(texts)
    assert told(looked(failed)) == expected(texts)
    assert failed.looked_into == len(texts)
    assert [one.index for one in failed.first] == sorted(texts)[: failures.FIRST]
    assert all(group.first in texts for group in failed.groups())
    store.close()


def test_jobs_that_never_ran_are_counted_as_a_range() -> None:
    store = SQLiteStore(":memory:")
    submission = submit(store, 1_000_000)
    with store.transaction():
        store.settle(Outcomes.uniform(submission.sid, 5, 1_000_000, KILLED, "killed by the user"))
    failed = looked(Failures(store, submission))
    assert (told(failed), failed.looked_into) == ({(KILLED, "killed by the user"): 999_995}, 999_995)
    assert [(one.index, one.seconds) for one in failed.first] == [(index, None) for index in range(5, 13)]
    store.close()


def test_of_too_many_kinds_the_further_ones_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST_KINDS", 3)
    store = SQLiteStore(":memory:")
    submission, failed = of_letters(store, "abcdeabcdd")
    assert told(failed) == {(ERROR, f"ValueError: {letter}"): 2 for letter in "abc"}
    assert (failed.looked_into, failed.of_further_kinds) == (submission.count, 4)
    store.close()


def of_letters(store: SQLiteStore, letters: str) -> tuple[Submission, Failures]:
    """A map of which each job failed with its letter."""
    submission, cid = claimed(store, len(letters))
    errors = [f"ValueError: {letter}".encode() for letter in letters]
    with store.transaction():
        store.finish(cid, ended(submission.sid, 0, len(letters), statuses=[ERROR] * len(letters), error=errors))
    return submission, looked(Failures(store, submission))


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Traceback (most recent call last):\n  File x\nValueError: no\n", "ValueError: no"),
        ("Traceback\nmodule.Wrong: a\nsecond line of the message!", "module.Wrong: a"),
        ("killed by the user", "killed by the user"),
        ("", "no reason is known"),
    ],
)
def test_an_exception_is_the_last_line_that_looks_like_one(text: str, last: str) -> None:
    assert exception_of(text) == last
