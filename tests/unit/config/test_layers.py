"""S48, S49: `cloud.config` shows every option; assignments hold from `commit()` on; which layer wins."""

from pathlib import Path

import pytest

from cloud import config
from cloud.config import ConfigError, Settings
from cloud.config.options import BY_NAME
from cloud.config.values import VALUES


def test_every_option_is_an_attribute_with_its_default_and_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """S48: all of the settings exist as properties of the interface."""
    monkeypatch.delenv("PICLOUD_WORKERS", raising=False)
    for name, option in BY_NAME.items():
        assert getattr(config, name) == option.default
        assert option.doc in getattr(type(config), name).__doc__
    assert set(BY_NAME) <= set(dir(config))


def test_an_assignment_holds_from_commit_on() -> None:
    """S48: changes do not take effect immediately."""
    config.num_procs = 3
    assert config.num_procs == 3
    assert config.setting("num_procs") == 0
    config.commit()
    assert config.setting("num_procs") == 3
    assert Settings.current().workers == 3


def test_commit_closes_every_cloud_and_takes_setkey_back() -> None:
    """S49: commit disconnects all running instances and undoes earlier `setkey` calls."""
    closed: list[str] = []
    VALUES.at_commit(lambda: closed.append("a cloud"))
    VALUES.choose({"api_key": "9"})
    assert Settings.current().api_key == "9"
    config.commit()
    assert closed == ["a cloud"]
    assert Settings.current().api_key is None


def test_setkey_wins_over_the_program_which_wins_over_the_environment_which_wins_over_the_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    VALUES.take_script({"api_key": "script"})
    found.append(Settings.current().api_key)
    monkeypatch.setenv("PICLOUD_API_KEY", "environment")
    found.append(Settings.current().api_key)
    config.api_key = "program"
    config.commit()
    found.append(Settings.current().api_key)
    VALUES.choose({"api_key": "setkey"})
    found.append(Settings.current().api_key)
    assert found == ["script", "environment", "program", "setkey"]


def test_every_option_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_LOG_LEVEL", "debug")
    monkeypatch.setenv("PICLOUD_WORKERS", "5")
    assert (config.log_level, config.num_procs) == ("DEBUG", 5)
    monkeypatch.setenv("PICLOUD_LOG_LEVEL", "loud")
    with pytest.raises(ConfigError, match="PICLOUD_LOG_LEVEL is 'loud'; expected one of DEBUG"):
        config.setting("log_level")
    assert VALUES.safe("log_level") == "INFO"


def test_an_unknown_name_is_an_error_that_knows_better() -> None:
    with pytest.raises(AttributeError, match="no option 'num_proc'; did you mean 'num_procs'"):
        config.num_proc = 3  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no option 'nothing_like_it'$"):
        config.nothing_like_it  # type: ignore[attr-defined]


def test_the_path_is_of_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """S47: the directory in which cloudconf.py is, not the file."""
    import cloud

    monkeypatch.setenv("PICLOUD_HOME", str(tmp_path))
    assert cloud.getconfigpath() == str(tmp_path)
