"""The implementations that contract suites run on."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.dispatch.ports import Store
from cloud.stores.sqlite import SQLiteStore
from tests.support.required import require_or_skip
from tests.support.stores import Reopening, maker


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the same durable store each time."""
    return maker(tmp_path / "jobs.db", request.param)


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "sqlite-file-reopened", "postgres", "postgres-reopened"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An empty store of each kind."""
    if request.param == "sqlite-memory":
        store: Any = SQLiteStore(":memory:")
    else:
        make = maker(tmp_path / "jobs.db", request.param.partition("-")[0])
        store = Reopening(make) if request.param.endswith("-reopened") else make()
    yield store
    store.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        require_or_skip("a tiny file system is made with the `mount` command, which is not here")
    if mounted.returncode:
        require_or_skip(f"mounting a tiny file system needs root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
