"""`picloud accounts`, as an administrator uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder: Path = tmp_path_factory.mktemp("line")
    line = CommandLine(folder / "home", folder)
    line.text("start")
    yield line
    line.run("stop", "--force")


def test_accounts_are_made_limited_and_closed(line: CommandLine) -> None:
    made = line.lines("accounts", "add", "night shift")[0]
    assert made["api_secretkey"]
    said = line.text("accounts", "limit", "night shift", "--slots", "1", "--stored-bytes", "5000", "--files", "none")
    assert said.endswith("night shift: active; slots 0 of 1, queued jobs 0, stored bytes 0 bytes of 5.0 kB, files 0\n")
    assert "closed" in line.text("accounts", "disable", str(made["account"]))
    listed = {account["name"]: account for account in line.lines("accounts", "list")}
    assert not listed["night shift"]["active"]
    assert listed["night shift"]["own_limits"] == {"slots": 1, "stored_bytes": 5000, "files": None}
    line.text("accounts", "enable", "night shift")
    line.text("accounts", "rename", "night shift", "day shift")
    line.text("accounts", "limit", "day shift", "--slots", "default", "--stored-bytes", "default", "--files", "default")
    listed = {account["name"]: account for account in line.lines("accounts", "list")}
    assert listed["day shift"]["own_limits"] == {}


def test_what_cannot_be_meant_is_refused(line: CommandLine) -> None:
    for arguments in (["1"], ["1", "--slots", "many"], ["1", "--files", "-1"]):
        assert line.refused("accounts", "limit", *arguments)[0] == 2
    assert line.refused("accounts", "limit", "nobody", "--slots", "1")[0] == 3
    assert line.refused("accounts", "disable", "1")[0] == 3
