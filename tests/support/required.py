"""What a test needs from its machine: without it the test is skipped here, and fails where everything must be there."""

import os
from typing import NoReturn

import pytest

REQUIRE_ALL = os.environ.get("PICLOUD_REQUIRE_ALL", "") not in ("", "0")
"""Set in continuous integration: a skip is a failure."""
EVERYTHING = os.environ.get("PICLOUD_TEST_ALL", "") not in ("", "0")
"""Set by `make test-all`: the slower combinations join in."""


def require_or_skip(reason: str) -> NoReturn:
    """Leave the test because the machine lacks something; `reason` says what, and how to get it."""
    if REQUIRE_ALL:
        pytest.fail(f"PICLOUD_REQUIRE_ALL is set, and {reason}", pytrace=False)
    pytest.skip(reason)
