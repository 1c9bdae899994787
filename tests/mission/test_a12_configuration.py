"""SPEC A.12: configuration and accounts, as a program of the user's meets them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import sessions
from cloud.config.values import VALUES


def program(code: str, home: Path) -> Any:
    """What a program with this config directory prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, cloud\n{code}"], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PICLOUD_HOME": str(home)}, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_cloudconf_is_a_script_that_runs_when_cloud_is_imported(tmp_path: Path) -> None:
    """S45, S47: with loops and imports; `getconfigpath` is of its directory."""
    (tmp_path / "cloudconf.py").write_text("import math\nnum_procs = math.factorial(2)\nuse_simulator = not False\n")
    code = "print(json.dumps([cloud.config.num_procs, cloud.is_simulated(), cloud.getconfigpath()]))"
    procs, simulated, path = program(code, tmp_path)
    assert (procs, simulated) == (2, True)
    assert Path(path).samefile(tmp_path)


def test_the_directory_is_picloud3_in_the_users_home(tmp_path: Path) -> None:
    """S46: with Python 3."""
    environment = {name: value for name, value in os.environ.items() if name != "PICLOUD_HOME"}
    done = subprocess.run(
        [sys.executable, "-c", "import cloud; print(cloud.getconfigpath())"], capture_output=True, text=True,
        timeout=300, env={**environment, "HOME": str(tmp_path)}, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()) == tmp_path / ".picloud3"
    assert (tmp_path / ".picloud3" / "cloudconf.py").exists()


def test_assignments_hold_from_commit_on_which_closes_every_cloud(tmp_path: Path) -> None:
    """S48, S49: jobs of cloud.mp and of the simulator are gone, and `setkey` is undone."""
    code = """
from cloud import mp
def procs():
    return mp.connection_info()["num_procs"]
def gone(jid):
    try:
        mp.result(jid)
    except cloud.errors.JobNotFound:
        return True
cloud.config.num_procs = 1
cloud.config.commit()
jid = mp.call(abs, -1)
said = [mp.result(jid), procs()]
cloud.setkey(5, "secret", "http://lab")
cloud.config.num_procs = 2
said += [procs(), mp.connection_info()["opened"], cloud.connection_info()["server_url"]]
cloud.config.commit()
said += [mp.connection_info()["opened"], cloud.connection_info()["server_url"]]
said += [mp.result(mp.call(abs, -2)), gone(jid), procs()]
print(json.dumps(said))
"""
    assert program(code, tmp_path) == [1, 1, 1, True, "http://lab", False, None, 2, True, 2]


@pytest.fixture
def account_of_its_own(mission_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_HOME", str(mission_home))
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    before = sessions.activate(None)
    yield
    sessions.close_all()
    VALUES.choose({})
    sessions.activate(before)


def test_keys_are_made_and_used_from_code(account_of_its_own: None) -> None:
    """S50: `cloud.account` provisions keys; a new one works at once, and not any more when it is switched off."""
    from cloud import account

    new = account.create_key(note="mission")
    assert new["api_key"] in account.list_keys()
    cloud.setkey(new["api_key"], new["api_secretkey"])
    assert cloud.result(cloud.call(abs, -1)) == 1
    cloud.config.commit()
    account.deactivate_key(api_key=new["api_key"])
    assert new["api_key"] not in account.list_keys(active_only=True)
    cloud.setkey(new["api_key"], new["api_secretkey"])
    with pytest.raises(cloud.CloudException):
        cloud.call(abs, -1)
