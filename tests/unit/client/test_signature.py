"""Whether arguments fit a function is found out before anything is sent, and never wrongly."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import pytest

from cloud.client.session import Session
from tests.support.scripted_api import ScriptedApi


def one(x: Any) -> Any:
    return x


def two(x: Any, y: Any) -> Any:
    return x, y


def with_default(x: Any, y: Any = 1) -> Any:
    return x, y


def any_number(*xs: Any) -> Any:
    return xs


def keyword_only(x: Any, *, y: Any) -> Any:
    return x, y


@functools.wraps(two)
def wrapped(*args: Any) -> Any:
    return one(args)


class Point:
    def __init__(self, x: Any, y: Any) -> None:
        self.at = x, y

    def moved(self, dx: Any) -> Any:
        return self, dx

    def __call__(self, x: Any) -> Any:
        return x


@pytest.fixture
def session() -> Session:
    api = ScriptedApi(at_once=True)
    return Session(lambda: api)


@pytest.mark.parametrize(
    ("function", "sequences", "message"),
    [
        (one, 2, r"one\(\) takes 1 positional argument \(2 given\)"),
        (two, 1, r"two\(\) missing a required argument: 'y'"),
        (with_default, 3, r"takes 2 positional arguments \(3 given\)"),
        (keyword_only, 1, "missing a required.* argument: 'y'"),
        (functools.partial(two, 1), 2, r"partial_of_two\(\) takes 1 positional"),
        (Point, 1, r"Point\(\) missing a required argument: 'y'"),
        (Point(1, 2).moved, 2, r"Point.moved\(\) takes 1 positional"),
        (lambda: 1, 1, r"takes 0 positional arguments \(1 given\)"),
    ],
)
def test_a_map_that_cannot_run_is_refused(
    session: Session, function: Callable[..., Any], sequences: int, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        session.map(function, *[[1, 2]] * sequences)
    jobs = session.map_unchecked(function, *[[1, 2]] * sequences)
    assert jobs.status == ["error", "error"]


@pytest.mark.parametrize(
    ("function", "sequences"),
    [
        (one, 1),
        (two, 2),
        (with_default, 1),
        (with_default, 2),
        (any_number, 3),
        (wrapped, 3),
        (Point, 2),
        (Point(1, 2), 1),
        (Point(1, 2).moved, 1),
        (functools.partial(two, y=1), 1),
        (functools.partial(keyword_only, y=1), 1),
        (max, 2),
        (print, 4),
        (int, 1),
        (str, 1),
        (operator.add, 2),
        (operator.itemgetter(0), 1),
        ("abc".startswith, 1),
    ],
)
def test_a_map_that_may_run_is_not_refused(session: Session, function: Callable[..., Any], sequences: int) -> None:
    assert len(session.map(function, *[["a", "b"]] * sequences)) == 2


def test_shorter_sequences_count_as_all_others(session: Session) -> None:
    assert session.result(session.map(two, [1, 2], [3])) == [(1, 3), (2, None)]


def test_a_map_over_tuples_is_told_how_to_unpack_them(session: Session) -> None:
    with pytest.raises(TypeError, match=r"one item from its sequence: unpack tuples with map\(f, \*zip\(\*tuples\)\)"):
        session.map(two, [(1, 2), (3, 4)])
    assert session.map(two, *zip(*[(1, 2), (3, 4)], strict=True)).result() == [(1, 2), (3, 4)]
