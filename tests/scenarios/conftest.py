"""What several scenarios begin with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.scenarios.test_fleet import Server


@pytest.fixture
def started(tmp_path: Path) -> "Iterator[Callable[..., Server]]":
    """Starts servers on one store with a fleet of agents; all agents end with the test."""
    from tests.scenarios.test_fleet import Server  # here: its assertions are to be rewritten first

    servers: list[Server] = []

    def start(**more: Any) -> Server:
        servers.append(Server(tmp_path, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.engine.abandon()
        server.lines.end()
