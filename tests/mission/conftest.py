"""Both clouds that every statement is tested with: `cloud.mp`, and `cloud` on a server that started by itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import mp
from cloud.client import connect
from cloud.client.session import Session
from tests.support import processes
from tests.support.gates import Gate, Paper


@pytest.fixture(scope="session")
def mission_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A config directory with a server of its own."""
    home = tmp_path_factory.mktemp("mission")
    yield home
    processes.end(pid for pid, words in processes.marked(str(home)).items() if "cloud.server" in words)


@pytest.fixture(scope="module", params=["mp", "server"])
def cloud(request: pytest.FixtureRequest, mission_home: Path) -> Iterator[Session]:
    """A session of each, with two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PICLOUD_HOME", str(mission_home))
        patch.setenv("PICLOUD_WORKERS", "2")
        if request.param == "mp":
            mp.close()
        session = mp._session if request.param == "mp" else connect.network_session()
        yield session
        session.close()


@pytest.fixture
def gate(cloud: Session, tmp_path: Path) -> Iterator[Gate]:
    """Closed; whoever still stands before it at the end of the test is killed."""
    folder = tmp_path / "gate"
    folder.mkdir()
    gate = Gate(str(folder))
    yield gate
    gate.open()
    cloud.kill()


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    """Empty."""
    return Paper(os.path.join(tmp_path, "paper"))
