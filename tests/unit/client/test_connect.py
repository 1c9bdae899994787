"""Where `cloud` connects to: the environment, the card of the embedded server, and errors that say what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud import __version__
from cloud.client import connect, embedded
from cloud.client.http import HttpApi
from cloud.client.succession import is_older
from cloud.config import ConfigError, Settings, home_directory, state_directory
from cloud.errors import ProtocolMismatch, ServerUnavailable
from cloud.wire.message import PROTOCOL
from tests.support.scripted_server import Server, http


def card_in(home: Path, **changes: Any) -> Path:
    """A card as a running server writes it; the process is this one, so it seems alive."""
    folder = Path(state_directory(str(home)))
    folder.mkdir(parents=True, exist_ok=True)
    card = {"url": "http://127.0.0.1:9", "pid": os.getpid(), "key": "1", "secret": "s", "protocol": PROTOCOL} | changes
    (folder / "server.json").write_text(json.dumps(card))
    return folder / "server.json"


def settings(home: Path, **variables: str) -> Settings:
    return Settings.from_environment({"PICLOUD_HOME": str(home), **variables})


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        PICLOUD_URL="https://host/prefix/",
        PICLOUD_API_KEY="7",
        PICLOUD_API_SECRETKEY="s",
        PICLOUD_WORKERS="3",
    )
    assert (found.home, found.url, found.workers) == (str(tmp_path), "https://host/prefix", 3)
    assert "'s'" not in repr(found), "secrets are not shown"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PICLOUD_URL", "localhost:8000", "PICLOUD_URL is 'localhost:8000'; expected an address like http://"),
        ("PICLOUD_WORKERS", "many", "PICLOUD_WORKERS is 'many'; expected a number"),
        ("PICLOUD_WORKERS", "-1", "PICLOUD_WORKERS is '-1'"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings.from_environment({name: value})


def test_the_config_directory_is_in_the_home_directory() -> None:
    assert home_directory({}) == os.path.expanduser("~/.picloud3")
    assert home_directory({"PICLOUD_HOME": "~/x"}) == os.path.expanduser("~/x")


def test_a_url_in_the_environment_wins_over_the_embedded_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card_in(home)
    monkeypatch.setenv("PICLOUD_URL", "https://lab:1/base/")
    monkeypatch.setenv("PICLOUD_API_KEY", "5")
    session = connect.network_session()
    expected = {"connection_type": "HTTPS", "server_url": "https://lab:1/base", "api_key": "5"}
    assert session.connection_info() == {"opened": False, **expected}
    assert isinstance(session.api, HttpApi)
    assert session.connection_info() == {"opened": True, **expected}


def test_a_program_that_a_job_started_uses_the_jobs_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_URL", "http://lab:1")
    monkeypatch.setenv("PICLOUD_JOB_TOKEN", "t")
    api = connect.network_session().api
    assert isinstance(api, HttpApi)
    assert (api.endpoint.authorization(), api.inside) == ("Bearer t", False)


def test_the_card_says_where_the_embedded_server_is(home: Path) -> None:
    card_in(home)
    session = connect.network_session()
    assert session.connection_info() == {
        "opened": False, "connection_type": "HTTP", "server_url": "http://127.0.0.1:9", "api_key": "1",
    }  # fmt: skip
    endpoint = embedded.find(settings(home, PICLOUD_API_KEY="8", PICLOUD_API_SECRETKEY="z"))
    assert endpoint is not None
    assert (endpoint.api_key, endpoint.api_secretkey) == ("8", "z")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1, "pid": 1, "key": "1", "secret": ""}'])
def test_a_damaged_card_is_no_card(home: Path, text: str) -> None:
    card_in(home).write_text(text)
    assert embedded.find(settings(home)) is None


def test_the_card_of_a_dead_server_is_no_card(home: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-S", "-E", "-c", "pass"])
    gone.wait()
    card_in(home, pid=gone.pid)
    assert embedded.find(settings(home)) is None


def test_a_newer_server_is_not_talked_to(home: Path) -> None:
    card_in(home, protocol=PROTOCOL + 1, version="9.9")
    with pytest.raises(ProtocolMismatch, match="newer than this client\nTIP: upgrade"):
        embedded.find(settings(home))


def test_an_older_server_that_does_not_make_room_is_not_talked_to_across_protocols(home: Path) -> None:
    at_work = json.dumps({"retired": False, "running": 3}).encode()
    server = Server(lambda request: http(at_work) if request.op == "retire" else None)
    card_in(home, url=server.url, protocol=PROTOCOL - 1, version="0.0.1")
    assert embedded.find(settings(home)) is None, "it is not used unasked"
    with pytest.raises(ProtocolMismatch, match="is older than this client, and runs jobs\nTIP: `picloud stop`"):
        embedded.find_or_start(settings(home))
    server.close()


@pytest.mark.parametrize(
    ("version", "older"),
    [("0.0.9", True), ("0.0.9rc1", True), ("1000", False), (__version__, False), ("unknown", False), (None, False)],
)
def test_which_servers_are_older(version: str | None, older: bool) -> None:
    assert is_older({"version": version}) is older


def test_a_server_that_cannot_start_shows_its_last_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_environment", lambda *_: {"PYTHONPATH": "/nowhere", "PYTHONSAFEPATH": "1"})
    monkeypatch.setattr(sys, "executable", _bare_interpreter())
    with pytest.raises(ServerUnavailable, match="ended while it started") as raised:
        embedded.find_or_start(settings(home))
    assert "server.out ends with:" in str(raised.value)
    assert "No module named 'cloud" in str(raised.value) or "ModuleNotFoundError" in str(raised.value)


def _bare_interpreter() -> str:
    """The interpreter outside of the virtual environment, which knows nothing of this project."""
    return os.path.realpath(sys.executable)


def test_without_an_interpreter_the_way_out_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(ServerUnavailable, match="picloud start"):
        embedded.find_or_start(settings(home))


def test_a_config_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerUnavailable, match=r"cannot be used: Not a directory\nTIP: set PICLOUD_HOME"):
        embedded.find_or_start(settings(tmp_path / "file" / "home"))


def test_the_server_is_told_nothing_of_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PICLOUD_URL", "PICLOUD_API_KEY", "PICLOUD_API_SECRETKEY", "PICLOUD_JOB_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("ANYTHING", "else")
    environment = embedded._environment()
    assert not {"PICLOUD_URL", "PICLOUD_API_KEY", "PICLOUD_API_SECRETKEY", "PICLOUD_JOB_TOKEN"} & set(environment)
    assert environment["ANYTHING"] == "else"
