"""What people read: names of functions and bounded texts of arguments."""

import functools
import time

import pytest

from cloud.client.naming import full_name, short_name
from cloud.client.shown import LONGEST_JOB, LONGEST_VALUE, shown, shown_arguments


class Model:
    def fit(self) -> None:
        """Something to name."""

    def __call__(self) -> None:
        """Something else."""


def test_functions_are_named_as_their_authors_know_them() -> None:
    assert short_name(test_functions_are_named_as_their_authors_know_them).startswith("test_functions")
    assert short_name(Model().fit) == "Model.fit"
    assert short_name(Model) == short_name(Model()) == "Model"
    assert short_name(lambda: 0) == "<lambda>"
    assert short_name(functools.partial(functools.partial(max, 1), 2)) == "partial_of_max"
    assert short_name(time.sleep) == "sleep"


def test_full_names_say_where_the_code_is() -> None:
    line = Model.fit.__code__.co_firstlineno
    assert full_name(Model().fit) == f"{__name__}.Model.fit at {__file__}:{line}"
    assert full_name(functools.partial(Model().fit)) == f"partial_of_{__name__}.Model.fit at {__file__}:{line}"
    assert full_name(Model) == f"{__name__}.Model"
    assert full_name(time.sleep) == "time.sleep"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (1.5, "1.5"),
        (None, "None"),
        ("it's", '"it\'s"'),
        (b"x", "b'x'"),
        ((1,), "(1,)"),
        ([1, [2, [3]]], "[1, [2, <list of 1>]]"),
        ({"a": 1}, "{'a': 1}"),
        ({3}, "set(3)"),
        (range(3), "range(0, 3)"),
        (10**100, "<int of 333 bits>"),
        (Model(), "<Model>"),
    ],
)
def test_values_are_shown_as_they_are_if_they_are_small_and_built_in(value: object, text: str) -> None:
    assert shown(value) == text


def test_texts_are_bounded_whatever_the_value() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep] * 50
    for value in ("x" * 10**6, b"y" * 10**6, list(range(10**5)), dict.fromkeys(range(10**5)), deep, 10**5000):
        assert len(shown(value)) <= LONGEST_VALUE
    assert len(shown_arguments(tuple("x" * 100 for _ in range(100)), {"k": "y" * 100})) == LONGEST_JOB


def test_arrays_are_shown_by_shape() -> None:
    import numpy as np

    assert shown(np.zeros((3, 4))) == "<ndarray 3x4 float64>"
