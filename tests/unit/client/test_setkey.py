"""`cloud.setkey`: whom `cloud` speaks for, and when that changes (SPEC B.7)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import sessions
from cloud.client.credentials import keep_secret
from cloud.client.session import Session
from cloud.config import ConfigError, Settings
from cloud.config.values import VALUES
from cloud.errors import NotAuthorised
from cloud.wire import worker
from tests.support.scripted_api import ScriptedApi


@pytest.fixture(autouse=True)
def _as_before(home: Path) -> Iterator[None]:
    before = sessions.activate(None)
    yield
    sessions.close_all()
    sessions.activate(before)


def who() -> tuple[Any, Any]:
    about = cloud.connection_info()
    return about["server_url"], about["api_key"]


def test_cloud_speaks_for_that_key_to_that_server() -> None:
    cloud.setkey(17, "secret", "https://lab:1/")
    assert who() == ("https://lab:1", "17")
    assert Settings.current().api_secretkey == "secret"


def test_it_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_URL", "https://elsewhere")
    monkeypatch.setenv("PICLOUD_API_KEY", "1")
    monkeypatch.setenv("PICLOUD_API_SECRETKEY", "one")
    cloud.setkey("17", "secret")
    assert who() == ("https://elsewhere", "17"), "what is not said stays"
    with pytest.raises(NotAuthorised, match="secret of key 18 is not known"):
        cloud.setkey(18)
    assert who() == ("https://elsewhere", "17"), "nothing changed"
    cloud.setkey(1)
    assert Settings.current().api_secretkey == "one"


def test_a_secret_that_is_known_here_may_be_left_out(home: Path) -> None:
    keep_secret(str(home), "17", "kept", "https://lab")
    cloud.setkey("17", server_url="https://lab")
    assert Settings.current().api_secretkey == "kept"
    with pytest.raises(NotAuthorised, match=r"cloud\.setkey\('17', SECRET\)"):
        cloud.setkey("17", server_url="https://elsewhere")


def test_nothing_is_connected_anew_when_nothing_changes() -> None:
    cloud.setkey(17, "secret", "https://lab")
    first = sessions.active()
    cloud.setkey("17", "secret", "https://lab")
    assert sessions.active() is first
    cloud.setkey(17, "secret", "https://lab", restart=True)
    assert sessions.active() is not first


def test_it_leaves_the_simulator_and_closes_it() -> None:
    """S58: `cloud.setkey` leaves the simulator."""
    simulator = Session(ScriptedApi, "simulated")
    simulator.api
    sessions.activate(simulator)
    cloud.setkey(17, "secret", "https://lab")
    assert not cloud.is_simulated()
    assert simulator.connection_info()["opened"] is False


def test_what_is_immutable_stays_until_the_next_commit() -> None:
    cloud.setkey(17, "secret", "https://lab", immutable=True)
    cloud.setkey(18, "secret", "https://lab")
    assert who() == ("https://lab", "17")
    cloud.config.commit()
    assert who()[1] is None, "commit takes setkey back"
    cloud.setkey(18, "secret", "https://lab")
    assert who() == ("https://lab", "18")


def test_inside_a_job_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHANNEL", object())
    cloud.setkey(17, "secret", "https://lab")
    assert VALUES.chosen == {}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((True, "s"), TypeError),
        ((1.5, "s"), TypeError),
        (("../x", "s"), NotAuthorised),
        ((1, 2), TypeError),
        ((1, "s", "lab:80"), ConfigError),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(given: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        cloud.setkey(*given)
    assert VALUES.chosen == {}
