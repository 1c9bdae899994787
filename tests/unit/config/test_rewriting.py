"""Options of cloudconf.py are changed in place; all else in it stays as its user wrote it."""

import os
import stat
from pathlib import Path

import pytest

from cloud.config import ConfigError
from cloud.config.rewriting import change_options


def changed(home: Path, text: str, **values: str) -> str:
    path = home / "cloudconf.py"
    path.write_text(text, encoding="utf-8")
    change_options(str(home), values)
    return path.read_text(encoding="utf-8")


def test_values_are_replaced_where_they_are_and_nothing_else_is_touched(tmp_path: Path) -> None:
    text = (
        '# mine é\x0c\nimport os\nurl = ""  # the lab\'s\n\napi_key = (\n    "3"\n)\nnum_procs = 2; log_level = "INFO"'
    )
    assert changed(tmp_path, text, url="https://é.example", api_key="7", log_level="DEBUG") == (
        "# mine é\x0c\nimport os\nurl = 'https://é.example'  # the lab's\n\napi_key = '7'\n"
        "num_procs = 2; log_level = 'DEBUG'"
    )


def test_the_last_of_several_counts_and_a_missing_one_is_added(tmp_path: Path) -> None:
    assert changed(tmp_path, "url = 'http://a'\nurl: str = 'http://b'", url="http://c", api_key="1") == (
        "url = 'http://a'\nurl = 'http://c'\napi_key = '1'\n"
    )


def test_a_script_that_is_missing_is_written_first(tmp_path: Path) -> None:
    change_options(str(tmp_path / "new"), {"url": "http://a"})
    text = (tmp_path / "new" / "cloudconf.py").read_text()
    assert "\nurl = 'http://a'\n" in text
    assert "num_procs = 0" in text


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.py"
    real.write_text("url = ''\n")
    real.chmod(0o640)
    (tmp_path / "cloudconf.py").symlink_to(real)
    change_options(str(tmp_path), {"url": "http://a"})
    assert (tmp_path / "cloudconf.py").is_symlink()
    assert real.read_text() == "url = 'http://a'\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["cloudconf.py", "dotfiles.py"]


@pytest.mark.parametrize("text", ["url = (", "url = ''\nif True:\n    url = 'http://other'\n", "\xff"])
def test_a_script_that_would_say_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cloudconf.py"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="url = 'http://a'"):
        change_options(str(tmp_path), {"url": "http://a"})
    assert path.read_bytes() == text.encode("latin-1")
    assert os.listdir(tmp_path) == ["cloudconf.py"]
