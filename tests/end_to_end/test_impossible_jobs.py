"""What no process can have, such as a name with a zero character, keeps nobody else's jobs from running."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.wire import calls
from cloud.wire.message import decode, encode
from tests.support.served import Served, part_of

HALF, ZERO = "/bin/\ud800", "/bin/\0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "1")
    yield served
    assert served.end() == 0


def wait_for(path: str) -> None:
    import os
    import time

    while not os.path.exists(path):
        time.sleep(0.01)  # the job sleeps


def same(x: int) -> int:
    return x


@pytest.mark.parametrize(
    "changed",
    [
        {"executable": ZERO}, {"executable": HALF}, {"directory": ZERO}, {"path": [ZERO, HALF]},
        {"variables": {"LD_LIBRARY_PATH": ZERO}}, {"variables": {"LD_LIBRARY_PATH": HALF}},
        {"variables": {ZERO: HALF, "=": ""}},
    ],
)  # fmt: skip
def test_a_job_in_an_impossible_environment_stops_nobody(
    server: Served, tmp_path: Path, changed: dict[str, Any]
) -> None:
    gate = tmp_path / "gate"
    server.submit(wait_for, [str(gate)])  # so that the next one is looked at later, in somebody else's turn
    header, frames = decode(b"".join(calls.submit(part_of(same, [1]))))
    header["token"] = uuid.uuid4().hex
    environment = json.dumps({**json.loads(bytes(frames[0])), **changed}).encode()
    server.request("POST", "/v1/submit", b"".join(encode(header, [environment, *frames[1:]])))
    gate.touch()
    assert server.results(server.submit(same, range(3))) == [0, 1, 2]
