"""SPEC A.10: fast serialization."""

import threading
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException, JobError


@pytest.mark.parametrize("level", [0, 1, 2, 7])
def test_the_level_is_of_arguments_and_results_and_not_of_the_function(cloud: Session, level: int) -> None:
    """S40: a lambda with a closure is a function for every level; S41: any level above 2 is 2."""
    offset = 10
    assert cloud.call(lambda x: x + offset, 1, _fast_serialization=level).result() == 11
    assert cloud.map(lambda x: x + offset, [1, 2], _fast_serialization=level).result() == [11, 12]


@pytest.mark.parametrize("level", [0, 1])
def test_arguments_and_results_may_be_anything_at_levels_0_and_1(cloud: Session, level: int) -> None:
    """S41: both levels have the enhanced pickler."""
    factor = 3
    back = cloud.call(lambda f: lambda x: f(x) + 1, lambda x: factor * x, _fast_serialization=level).result()
    assert back(5) == 16


def test_only_level_0_shows_where_the_culprit_is(cloud: Session) -> None:
    """S41: a pickle trace on failure, of an argument's member here."""
    culprit = {"list": [1, threading.Lock()]}
    with pytest.raises(CloudException, match="Pickle trace"):
        cloud.call(id, culprit)
    with pytest.raises(CloudException) as untraced:
        cloud.call(id, culprit, _fast_serialization=1)
    assert "Pickle trace" not in str(untraced.value)


def test_level_2_takes_standard_things_only(cloud: Session) -> None:
    """S41, S42a: beyond: what it cannot take is named, of arguments before there is a job, of a result in its error."""
    with pytest.raises(CloudException):
        cloud.call(id, lambda: 0, _fast_serialization=2)
    with pytest.raises(JobError, match="pickle"):
        cloud.call(lambda: lambda: 0, _fast_serialization=2).result()


@pytest.mark.parametrize("level", [True, 1.0, "1", None])
def test_the_level_is_an_integer(cloud: Session, level: Any) -> None:
    """S41: a bool or anything else is a TypeError."""
    with pytest.raises(TypeError, match="_fast_serialization"):
        cloud.call(abs, 1, _fast_serialization=level)
