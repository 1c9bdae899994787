"""How large things may be, per function, arguments of a job, result (SPEC D.3)."""

import numpy as np
import pytest

from cloud.pickling import MAX_BYTES, TooLarge, pack_call, pack_map, size_of


def test_the_limit_is_a_gigabyte() -> None:
    assert MAX_BYTES == 1_000_000_000


@pytest.mark.parametrize("items", [[1, "a" * 100, 2], [1, ["a" * 100], 2], [1, "a" * 101, "b" * 100]])
def test_the_job_that_is_too_large_is_named(items: list[object]) -> None:
    with pytest.raises(TooLarge) as refusal:
        pack_map([(item,) for item in items], max_bytes=90)
    assert refusal.value.index == 1
    assert 100 < refusal.value.size_bytes < 140


def test_each_job_has_the_limit_for_itself() -> None:
    letters = "abcdefghijklmnopqrst"
    assert size_of(pack_map([(letter * 80,) for letter in letters], max_bytes=120)) > 1000
    assert size_of(pack_map([([letter * 80],) for letter in letters], max_bytes=120)) > 1000


def test_what_is_beside_a_pickle_counts() -> None:
    with pytest.raises(TooLarge):
        pack_call((np.zeros(20_000),), {}, max_bytes=100_000)
    assert size_of(pack_call((np.zeros(20_000),), {}, max_bytes=200_000)) > 160_000
