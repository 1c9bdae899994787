"""What is told of a job that raised."""

import bdb
import pickle

from cloud.runner import extras, failure


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


def test_an_exception_whose_text_raises_is_described_nevertheless() -> None:
    text = failure.describe(Hostile(), failure.RUNNING)
    assert "Hostile" in text


def test_a_result_that_cannot_be_pickled_is_named() -> None:
    text = failure.describe(TypeError("cannot pickle"), failure.KEEPING, (_ for _ in [0]))
    assert text.startswith("The result, a generator, could not be pickled: TypeError: cannot pickle")


class Stubborn:
    def __reduce__(self) -> str:
        raise ValueError("no")


def test_a_result_whose_own_pickling_raises_shows_where() -> None:
    try:
        pickle.dumps(Stubborn())
    except ValueError as error:
        text = failure.describe(error, failure.KEEPING, Stubborn())
    assert text.startswith(
        "The result, a tests.unit.runner.test_failure.Stubborn, could not be pickled: ValueError: no\nT"
    )
    assert 'raise ValueError("no")' in text
    assert text.endswith("\nValueError: no\n")


def test_a_missing_module_is_named() -> None:
    text = failure.describe(ModuleNotFoundError("No module named 'x'", name="x"), failure.LOADING)
    assert text.startswith("Could not depickle job: there is no module named 'x' where the job ran")


def test_a_job_that_asks_a_terminal_is_told_that_it_has_none() -> None:
    reading = failure.describe(EOFError("EOF when reading a line"), failure.RUNNING)
    assert "TIP: a job has no standard input" in reading
    assert "TIP" not in failure.describe(EOFError("the file is too short"), failure.RUNNING)
    debugging = failure.describe(bdb.BdbQuit(), failure.RUNNING)
    assert "TIP: a job has no terminal for a debugger" in debugging
    assert "simulator_inline = True" in debugging


def test_an_exception_group_is_described_with_its_members() -> None:
    text = failure.describe(ExceptionGroup("several", [ValueError("one"), KeyError("two")]), failure.RUNNING)
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_looks_are_bounded_and_call_nobodys_repr() -> None:
    class Loud:
        def __repr__(self) -> str:
            raise AssertionError("called")

    assert extras.look([1, "a", None]) == "[1, 'a', None]"
    assert extras.look(Loud()).startswith("<tests.unit.runner.test_failure.")
    assert extras.look((1,)) == "(1,)"
    assert extras.look({"k": {1, 2}}) == "{'k': {1, 2}}"
    assert len(extras.look(["x" * 70] * 1000)) <= extras.REPR_MAX
    assert "100000 characters" in extras.look("y" * 100_000)
    assert extras.look(1 << 5000) == "<int of 5001 bits>"
    nested: list[object] = []
    nested.append(nested)
    assert "list of length 1" in extras.look(nested)
    assert extras.look(set()) == "set()"
