"""What a failed job's text says, in a line."""

import traceback

import pytest

from cloud.wire.failure_text import gist, raised_in


def traced(error: Exception, before: Exception | None = None) -> str:
    try:
        try:
            raise before or error
        except Exception:
            if before is None:
                raise
            raise error
    except Exception as raised:
        return "".join(traceback.format_exception(raised))


@pytest.mark.parametrize(
    ("text", "raised"),
    [
        (traced(ValueError("no")), "ValueError: no"),
        (traced(ValueError("bad colour\nHint: use red\nSee: the manual")), "ValueError: bad colour"),
        (traced(KeyError("late"), ValueError("early")), "KeyError: 'late'"),
        (traced(RuntimeError(f"a worker failed:\n{traced(OSError('inner'))}")), "RuntimeError: a worker failed:"),
        (traced(ExceptionGroup("two", [ValueError("a"), KeyError("b")])), "ExceptionGroup: two (2 sub-exceptions)"),
        (traced(ValueError("no")) + "TIP: do better\n", "ValueError: no"),
        ("Could not depickle it\n" + traced(ImportError("no module")), "ImportError: no module"),
        ("killed by the user", ""),
        ("", ""),
        ("Traceback (most recent call last):", ""),
        ("Traceback (most recent call last):\n" * 1000, "Traceback (most recent call last):"),
    ],
)
def test_what_was_raised_is_told_from_what_it_says(text: str, raised: str) -> None:
    assert raised_in(text) == raised


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (traced(ValueError("no")) + "TIP: do better\n", "ValueError: no"),
        (
            "The result, a generator, could not be pickled: no\nPickle trace:\n<PickledObject/>\nSee x.md\n",
            "The result, a generator, could not be pickled: no",
        ),
        (
            "the result: Excessive data (9 bytes) returned\nSnapshot\n<PickledObject/>\n",
            "the result: Excessive data (9 bytes) returned",
        ),
        ("Could not depickle job\nAttributeError: f\nTIP: do better\n", "AttributeError: f"),
        (
            "Could not depickle job: there is no module named 'x' where the job ran\nTIP: install it",
            "Could not depickle job: there is no module named 'x' where the job ran",
        ),
        ("\nthe worker was killed by signal 9\n", "the worker was killed by signal 9"),
        ("", ""),
    ],
)
def test_the_gist_is_one_line_that_says_why(text: str, said: str) -> None:
    assert gist(text) == said
