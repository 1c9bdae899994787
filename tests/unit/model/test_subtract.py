"""Ranges taken away from ranges, against sets of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.model.ranges import normal, subtract

RANGES = st.lists(
    st.builds(lambda start, size: range(start, start + size), st.integers(0, 40), st.integers(0, 8)), max_size=8
)


@given(ranges=RANGES, taken=RANGES)
def test_what_is_left_is_what_was_not_taken_in_the_order_it_was(ranges: list[range], taken: list[range]) -> None:
    holes = {number for item in taken for number in item}
    left = [number for item in subtract(ranges, normal(taken)) for number in item]
    assert left == [number for item in ranges for number in item if number not in holes]
