"""The page on pools names every test of CPython that is left out, and no other."""

import re
from pathlib import Path

from tests.conformance import test_concurrent_futures, test_multiprocessing_pool

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pools.md"


def test_the_page_names_every_test_that_is_left_out() -> None:
    table = PAGE.read_text().partition("## CPython's own tests")[2].rpartition("|")[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    assert named == {*test_concurrent_futures.NOT_HERE, *test_multiprocessing_pool.NOT_HERE}
