"""The process that talks to a Ray cluster: what Ray prints there."""

import logging

import pytest

from cloud.server.ray_process import RayPrints


def test_what_ray_prints_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    print(
        "\x1b[33m(raylet)\x1b[0m The node 10.0.0.7 has been marked dead\n\tbecause of this\n\tor that", file=RayPrints()
    )
    assert [record.getMessage() for record in caplog.records] == [
        "Ray says: (raylet) The node 10.0.0.7 has been marked dead"
    ]
