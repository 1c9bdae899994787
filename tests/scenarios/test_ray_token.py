"""A Ray cluster that wants a token, and a server that shows another one or none: it says so at once, and only that."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.ray_nodes import Nodes

pytestmark = [pytest.mark.slow, pytest.mark.everything]

TEXT = """
[server]
port = {port}
url = "http://127.0.0.1:{port}"
[blobs]
url = "{blobs}"
[engine]
kind = "ray"
address = "{cluster}"
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    nodes = Nodes(0, 1, AUTH_MODE="token", AUTH_TOKEN="a" * 64)
    yield nodes
    nodes.close()


@pytest.mark.parametrize("more", [[], ["--check"]], ids=["serve", "check"])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (f'token = "{"b" * 64}"\n', "refuses the token that this server shows"),
        ("", "wants a token, and this server has none to show"),
    ],
    ids=["another", "none"],
)
def test_the_refusal_is_all_that_is_said(
    cluster: Nodes, tmp_path: Path, more: list[str], settings: str, says: str
) -> None:
    file = tmp_path / "server.toml"
    text = TEXT.format(port=free_port(), blobs=tmp_path / "blobs", cluster=cluster.address)
    file.write_text(text + settings)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "cloud.cli", "serve", "--config", str(file), *more],
        env={**environment, "PICLOUD_HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert f"the Ray cluster {cluster.address} {says}" in said
    assert "gcs_client" not in said
    assert "Traceback" not in said
    assert len(done.stderr.splitlines()) <= 2, done.stderr
