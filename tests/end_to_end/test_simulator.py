"""S57, S58: the simulator: `cloud` on processes of this program, with settings and checks of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import sessions


@pytest.fixture(autouse=True)
def _as_before(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "2")
    before = sessions.activate(None)
    yield
    sessions.close_all()
    sessions.activate(before)


def inside() -> tuple[Any, ...]:
    """What a job sees of its cloud."""
    import cloud

    return cloud.is_simulated(), cloud.running_on_cloud(), cloud.result(cloud.call(abs, -5)), os.getpid()


def program(code: str, home: Path, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PICLOUD_HOME": str(home), **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def test_cloud_becomes_the_simulator_until_setkey() -> None:
    """S58: `cloud.start_simulator()` begins it, `cloud.setkey` leaves it."""
    assert not cloud.is_simulated()
    cloud.start_simulator()
    assert cloud.is_simulated()
    assert cloud.connection_info() == {
        "opened": False, "connection_type": "simulation", "server_url": None, "api_key": None, "num_procs": 2,
        "inline": False,
    }  # fmt: skip
    assert cloud.result(cloud.map(abs, [-1, -2])) == [1, 2]
    assert cloud.connection_info()["opened"]
    cloud.setkey(1, "secret", "http://lab")
    assert not cloud.is_simulated()
    assert cloud.connection_info()["server_url"] == "http://lab"


@pytest.mark.parametrize("inline", ["0", "1"])
def test_jobs_know_that_they_are_simulated_and_use_the_simulator(inline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_SIMULATOR_INLINE", inline)
    cloud.start_simulator()
    simulated, on_cloud, value, pid = cloud.result(cloud.call(inside))
    assert (simulated, on_cloud, value) == (True, False, 5)
    assert (pid == os.getpid()) is (inline == "1")


def test_jids_count_from_one_and_jobs_are_forgotten_at_each_start() -> None:
    cloud.start_simulator()
    assert cloud.call(abs, 1) == 1
    cloud.start_simulator()
    assert cloud.call(abs, 1) == 2, "it runs already"
    cloud.start_simulator(force_restart=True)
    assert cloud.call(abs, 1) == 1
    cloud.close()
    assert cloud.call(abs, 1) == 1


def test_commit_closes_it_and_forgets_its_jobs() -> None:
    """S49."""
    cloud.start_simulator()
    jid = cloud.call(abs, 1)
    cloud.config.commit()
    assert not cloud.is_simulated()
    cloud.start_simulator()
    with pytest.raises(cloud.CloudException):
        cloud.status(int(jid))


def test_setkey_may_forbid_it() -> None:
    cloud.setkey(1, "secret", "http://lab", immutable=True)
    cloud.start_simulator()
    assert not cloud.is_simulated()


def test_it_can_be_the_default(tmp_path: Path) -> None:
    """S58: `use_simulator = True` in cloudconf.py."""
    (tmp_path / "cloudconf.py").write_text("use_simulator = True\nsimulator_num_procs = 1\n")
    code = "import cloud; print(cloud.is_simulated(), cloud.result(cloud.call(lambda: cloud.is_simulated())))"
    done = program(code, tmp_path)
    assert (done.stdout, done.stderr) == ("True True\n", "")
    assert not (tmp_path / "server").exists(), "no server was started"


def test_it_has_settings_of_its_own() -> None:
    """S57: the simulator is `cloud.mp` with its own configuration."""
    from cloud import mp

    cloud.config.num_procs = 3
    cloud.config.commit()
    cloud.start_simulator()
    assert cloud.connection_info()["num_procs"] == 2
    assert mp.connection_info()["num_procs"] == 3


def test_its_jobs_are_not_those_of_mp() -> None:
    from cloud import mp

    cloud.start_simulator()
    jid = cloud.call(abs, -1)
    with pytest.raises(ValueError, match="cloud"):
        mp.result(jid)
    mp.close()
