"""S62: a WSGI application whose pre-forked workers use `cloud` prints nothing, and each of them works."""

import http.client
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.required import require_or_skip
from tests.support.waiting import eventually

APPLICATION = """
import json, os
import cloud
from cloud import mp

used_by_the_master = mp.result(mp.call(os.getpid)), cloud.result(cloud.call(abs, -1))

def application(environ, start_response):
    number = int(environ["PATH_INFO"].strip("/"))
    said = {
        "pid": os.getpid(),
        "server": cloud.result(cloud.call(lambda x: x * x, number)),
        "mp": mp.result(mp.map(lambda x: x + number, range(3))),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]
"""


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port of a gunicorn with two workers that were forked after `cloud` was used, and what it printed."""
    if importlib.util.find_spec("gunicorn") is None:
        require_or_skip("gunicorn is not installed: pip install -e '.[dev]'")
    (tmp_path / "application.py").write_text(APPLICATION)
    printed = tmp_path / "printed"
    command = [
        sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", "--no-control-socket",
        "--log-level", "info", "application:application",
    ]  # fmt: skip
    with printed.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=output, stderr=output, env={**os.environ, "PICLOUD_WORKERS": "1"}
        )
    try:
        found = eventually(
            lambda: re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", printed.read_text()),
            what="the server to listen",
        )
        assert found is not None
        yield int(found.group(1)), printed
    finally:
        process.terminate()
        process.wait(120)


def ask(port: int, number: int) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request("GET", f"/{number}")
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return dict(json.loads(text))
    finally:
        connection.close()


def test_workers_that_were_forked_use_cloud_and_nothing_is_printed(served: tuple[int, Path], home: Path) -> None:
    """S62."""
    port, printed = served
    pids: set[object] = set()
    numbers = itertools.count(step=2)

    def both_were_asked() -> bool:
        """Two requests at once: a worker takes one at a time."""
        first = next(numbers)
        with ThreadPoolExecutor(2) as pool:
            for number, said in zip((first, first + 1), pool.map(ask, [port] * 2, (first, first + 1)), strict=True):
                assert said["server"] == number * number
                assert said["mp"] == [number, number + 1, number + 2]
                pids.add(said["pid"])
        return len(pids) == 2 and first > 5

    eventually(both_were_asked)
    lines = printed.read_text().splitlines()
    assert [line for line in lines if not re.match(r"\[.*\] \[\d+\] \[(INFO|DEBUG)\]", line)] == []
    log = (home / "cloud.log").read_text()
    assert all(f"Cloud.mp({pid})" in log for pid in pids), "each has a pool of its own"
    assert "ERROR" not in log
