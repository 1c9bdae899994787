"""What every test may count on: a config directory of its own, and no process of ours that outlives the run."""

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import postgres as databases
from tests.support import processes, ray_cluster
from tests.support.required import EVERYTHING, REQUIRE_ALL

RUN = uuid.uuid4().hex
"""Tells the processes of this run from all others."""
RUN_HOME = Path(tempfile.mkdtemp(prefix="picloud-tests-"))

# Before any test module is imported, and inherited by every process that a test starts.
os.environ["PICLOUD_HOME"] = str(RUN_HOME / "home")
os.environ[processes.MARK] = RUN
# A machine that is busy for a moment is no failure of what is tested.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
for _name in ("PICLOUD_URL", "PICLOUD_API_KEY", "PICLOUD_API_SECRETKEY", "PICLOUD_WORKERS", "PICLOUD_JOB_TOKEN"):
    os.environ.pop(_name, None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A config directory for this test alone; a server that was started in it ends with the test."""
    directory = tmp_path / "picloud"
    monkeypatch.setenv("PICLOUD_HOME", str(directory))
    yield directory
    servers = [pid for pid, words in processes.marked(str(directory)).items() if "cloud.server" in words]
    processes.end(servers)


@pytest.fixture(autouse=True)
def _settings_end_with_the_test() -> Iterator[None]:
    """What a test assigns, commits, or says with `cloud.setkey`."""
    yield
    values = sys.modules.get("cloud.config.values")
    if values is not None:
        for layer in ("_assigned", "_committed", "_chosen"):
            getattr(values.VALUES, layer).clear()


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlives_the_run() -> Iterator[None]:
    yield
    ray_cluster.shut_down()
    databases.end()
    needles = (f"{processes.MARK}={RUN}", str(RUN_HOME))
    servers = [pid for pid, words in processes.marked(*needles).items() if "cloud.server" in words]
    try:
        processes.end(servers)
        left = processes.marked(*needles)
    except AssertionError:
        left = processes.marked(*needles)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert not left, f"processes that outlived the tests: {left}"


@pytest.fixture(scope="session")
def postgres() -> databases.Cluster:
    """A PostgreSQL server of this run; each store in it has a schema of its own."""
    return databases.running()


def pytest_unconfigure() -> None:
    """Also when no test ran."""
    shutil.rmtree(RUN_HOME, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must be there (continuous integration), a skip is a failure."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"PICLOUD_REQUIRE_ALL is set, and {item.nodeid} was skipped: {report.longrepr}"
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, rather than skips, what belongs to `make test-all` only."""
    if not EVERYTHING:
        left_out = [item for item in items if item.get_closest_marker("everything")]
        items[:] = [item for item in items if not item.get_closest_marker("everything")]
        config.hook.pytest_deselected(items=left_out)
