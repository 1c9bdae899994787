"""SPEC A.14: the simulator."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import cloud
from cloud.client import sessions
from cloud.config.values import VALUES


@pytest.fixture(autouse=True)
def _as_before(mission_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_HOME", str(mission_home))
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    before = sessions.activate(None)
    yield
    sessions.close_all()
    VALUES.choose({})
    sessions.activate(before)


def test_it_is_mp_with_a_configuration_of_its_own() -> None:
    """S57: and verifies that the data could be sent: what cannot be pickled or is too large is refused."""
    cloud.config.simulator_num_procs = 1
    cloud.config.max_transmit_data = 10_000
    cloud.config.commit()
    try:
        cloud.start_simulator()
        assert cloud.connection_info()["num_procs"] == 1
        assert cloud.result(cloud.map(abs, [-1, -2])) == [1, 2]
        with pytest.raises(cloud.CloudException, match="pickle"):
            cloud.call(id, threading.Lock())
        with pytest.raises(cloud.CloudException, match="Excessive data"):
            cloud.call(len, bytes(20_000))
    finally:
        cloud.config.simulator_num_procs = 0
        cloud.config.max_transmit_data = 1_000_000_000
        cloud.config.commit()


def test_it_is_started_and_left() -> None:
    """S58: `cloud.start_simulator()` begins it and `cloud.setkey` leaves it."""
    assert not cloud.is_simulated()
    cloud.start_simulator()
    assert cloud.is_simulated()
    assert cloud.connection_info()["connection_type"] == "simulation"
    cloud.setkey(1, "secret", "http://lab")
    assert not cloud.is_simulated()


def test_jobs_see_the_files_of_this_computer(tmp_path: Path) -> None:
    """S59: as they do on the server that starts by itself."""
    (tmp_path / "local").write_text("here")

    def read(path: str) -> str:
        with open(path) as file:
            return file.read()

    cloud.start_simulator()
    assert cloud.result(cloud.call(read, os.path.join(tmp_path, "local"))) == "here"


def test_files_are_real_in_the_simulator() -> None:
    """S59: "cloud.files is not simulated; it runs exactly as it would on PiCloud"."""
    from cloud import files

    cloud.start_simulator()
    files.putf(b"kept by the server", "mission-simulated")
    cloud.setkey(*_own_key())
    assert not cloud.is_simulated()
    reader = files.getf("mission-simulated")
    assert reader.read() == b"kept by the server"
    files.delete("mission-simulated")


def _own_key() -> tuple[str, str]:
    """Of the server that started by itself, so that `setkey` leaves the simulator for it."""
    from cloud import account

    new = account.create_key(note="simulator")
    return new["api_key"], new["api_secretkey"]
