"""Secrets on this machine: kept per key and server, readable for nobody else."""

import os
import stat
from pathlib import Path

import pytest

from cloud.client.credentials import find_secret, is_key, keep_secret


def test_a_secret_is_kept_for_its_server_only(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert find_secret(home, "1", None) is None
    assert keep_secret(home, "1", "own", None)
    assert keep_secret(home, "1", "of the lab", "https://lab")
    assert keep_secret(home, "1", "100% new", "https://lab")
    assert find_secret(home, "1", None) == "own"
    assert find_secret(home, "1", "https://lab") == "100% new"
    assert find_secret(home, "1", "https://elsewhere") is None
    assert find_secret(home, "2", None) is None


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep_secret(str(home), "lab-1", "s", None)
    assert stat.S_IMODE((home / "credentials" / "lab-1" / "cloudauth").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "credentials" / "lab-1").stat().st_mode) == 0o700
    assert os.listdir(home / "credentials" / "lab-1") == ["cloudauth"]


def test_a_file_as_picloud_wrote_it_serves_any_server(tmp_path: Path) -> None:
    folder = tmp_path / "credentials" / "17"
    folder.mkdir(parents=True)
    (folder / "cloudauth").write_text("[ApiKey]\nkey = 17\nsecretkey = s\n")
    assert find_secret(str(tmp_path), "17", "https://lab") == "s"
    (folder / "cloudauth").write_text("not at all an INI file")
    assert find_secret(str(tmp_path), "17", "https://lab") is None


def test_a_home_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not keep_secret(str(tmp_path / "file"), "1", "s", None)


@pytest.mark.parametrize("key", ["", ".", "..", "../1", "a/b", "a\0", "x" * 101])
def test_what_could_name_another_folder_is_no_key(key: str, tmp_path: Path) -> None:
    assert not is_key(key)
    assert not keep_secret(str(tmp_path), key, "s", None)
    assert find_secret(str(tmp_path), key, None) is None
