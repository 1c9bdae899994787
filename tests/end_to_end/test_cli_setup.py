"""`picloud setup`: a server and a key are tried, and written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, Step


@pytest.fixture
def proof(line: CommandLine) -> tuple[str, str, str]:
    """Address, key and secret."""
    made = line.lines("keys", "create")[0]
    return line.lines("status")[0]["url"], made["api_key"], made["api_secretkey"]


@pytest.fixture
def away(line: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    """Another config directory."""
    away = CommandLine(tmp_path / "elsewhere", line.folder)
    yield away
    away.run("stop", "--force")


def test_what_is_given_is_tried_and_written_for_all_programs(away: CommandLine, proof: tuple[str, str, str]) -> None:
    url, key, secret = proof
    said = away.text("setup", "--url", f"{url}/", "-a", key, "-k", "-", stdin=f"{secret}\n")
    assert said.startswith(f"{url}/ answers to key {key} of account 1")
    assert away.text("call", "--wait", "math:sqrt", "9") == "3.0\n"
    assert away.lines("config", "url")[0] == {"option": "url", "value": url, "from": "cloudconf.py"}
    written = Path(away.environment["PICLOUD_HOME"], "cloudconf.py").read_text()
    assert f"\nurl = '{url}'\n" in written
    assert secret not in written
    assert away.text("setup", "--url", url.removeprefix("http://"), "-a", key), "the secret is known by now"


def test_what_does_not_work_is_not_written(away: CommandLine, proof: tuple[str, str, str]) -> None:
    url, key, secret = proof
    status, said = away.refused("setup", "--url", url, "-a", key, "-k", "wrong")
    assert (status, "key" in said) == (3, True), said
    status, said = away.refused("setup", "--url", "http://127.0.0.1:9", "-a", key, "-k", secret)
    assert (status, "cannot be reached" in said) == (3, True), said
    assert away.refused("setup", "--url", url, "-a", key)[0] == 2
    assert away.refused("setup")[0] == 2
    assert away.lines("config", "url")[0]["value"] == ""


def test_on_a_terminal_it_asks_until_all_is_good(away: CommandLine, proof: tuple[str, str, str]) -> None:
    url, key, secret = proof
    steps: list[Step] = [
        (b"Address [own]: ", b"http://127.0.0.1:9\n"), (b"Key: ", f"{key}\n".encode()), (b"Secret", b"mistaken\n"),
        (b"Address [own]: ", f"{url}\n".encode()), (b"Key: ", f"{key}\n".encode()), (b"Secret", b"mistaken\n"),
        (b"Key: ", f"{key}\n".encode()), (b"Secret", f"{secret}\n".encode()),
    ]  # fmt: skip
    shown = away.on_terminal("setup", columns=100, steps=steps)
    assert away.status == 0
    assert "cannot be reached" in shown
    assert f"answers to key {key}" in shown
    assert "mistaken" not in shown
    assert secret not in shown
    assert away.lines("config", "url")[0]["value"] == url


@pytest.mark.everything
def test_a_user_goes_back_to_a_server_of_their_own(away: CommandLine, proof: tuple[str, str, str]) -> None:
    url, key, secret = proof
    away.text("setup", "--url", url, "-a", key, "-k", secret)
    assert "answers to key" in away.text("setup", "--url", "own")
    own = away.lines("status")[0]
    assert own["running"]
    assert own["url"] != url
    away.environment["PICLOUD_URL"] = url
    assert "PICLOUD_URL is set here" in away.text("setup", "--url", "own")
    del away.environment["PICLOUD_URL"]
    away.text("stop")
