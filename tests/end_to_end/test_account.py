"""S50: `cloud.account` makes, lists and switches keys; a key sees its account only; secrets are told once."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud.client import embedded, sessions
from cloud.client.http import Endpoint, HttpApi
from cloud.config import state_directory
from cloud.errors import InvalidSubmission, JobNotFound, LimitExceeded, NotAuthorised
from tests.support.served import Served


@pytest.fixture(autouse=True)
def _as_before(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    before = sessions.activate(None)
    yield
    sessions.close_all()
    sessions.activate(before)


def own_key(home: Path) -> str:
    return str(embedded._card(state_directory(str(home)))["key"])


def test_a_new_key_speaks_for_the_same_account(home: Path) -> None:
    """S50: keys are provisioned from code."""
    jid = cloud.call(abs, -7)
    new = cloud.account.create_key(note="for the night shift")
    assert new["note"] == "for the night shift"
    assert new["active"] is True
    assert isinstance(new["created"], datetime)
    assert cloud.account.list_keys() == [own_key(home), new["api_key"]]
    cloud.setkey(new["api_key"], new["api_secretkey"])
    assert cloud.result(int(jid)) == 7
    assert cloud.connection_info()["api_key"] == new["api_key"]


def test_a_secret_is_told_once_and_stored_hashed(home: Path) -> None:
    new = cloud.account.create_key()
    secret = new["api_secretkey"]
    requests = Served.__new__(Served)
    requests.folder = state_directory(str(home))
    card = embedded._card(requests.folder)
    requests.url = card["url"]
    status, _, body = requests.request("GET", f"/v1/keys/{new['api_key']}")
    assert status == 200
    assert secret not in body.decode()
    for path in Path(requests.folder).iterdir():
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    assert secret in (home / "credentials" / new["api_key"] / "cloudauth").read_text()
    assert cloud.account.get_key(api_key=new["api_key"])["api_secretkey"] == secret, "known on this machine"


def test_a_secret_that_the_server_accepted_need_not_be_given_again(home: Path) -> None:
    new = cloud.account.create_key()
    kept = home / "credentials" / new["api_key"] / "cloudauth"
    kept.unlink()
    with pytest.raises(NotAuthorised, match="is not known on this machine"):
        cloud.setkey(new["api_key"])
    cloud.setkey(new["api_key"], "wrong")
    with pytest.raises(NotAuthorised):
        cloud.call(abs, 1)
    assert not kept.exists()
    cloud.setkey(new["api_key"], new["api_secretkey"])
    cloud.call(abs, 1)
    cloud.config.commit()
    cloud.setkey(new["api_key"])
    assert cloud.result(cloud.call(abs, -1)) == 1


def test_an_inactive_key_opens_nothing_until_it_is_activated() -> None:
    new = cloud.account.create_key()
    key, secret = new["api_key"], new["api_secretkey"]
    assert cloud.account.get_key_by_key(key, secret)["active"] is True
    assert cloud.account.deactivate_key(api_key=key) is True
    assert key not in cloud.account.list_keys(active_only=True)
    assert key in cloud.account.list_keys()
    with pytest.raises(NotAuthorised, match="inactive"):
        cloud.account.list_keys(key, secret)
    assert cloud.account.activate_key(api_key=key) is True
    assert cloud.account.list_keys(key, secret) == cloud.account.list_keys()


def test_the_key_that_asks_cannot_lock_itself_out(home: Path) -> None:
    cloud.account.list_keys()
    with pytest.raises(InvalidSubmission, match="cannot deactivate itself"):
        cloud.account.deactivate_key(api_key=own_key(home))


def test_an_administrator_makes_accounts_which_see_nothing_of_each_other(home: Path) -> None:
    theirs = cloud.account.create_account(note="the lab")
    key, secret = theirs["api_key"], theirs["api_secretkey"]
    assert (theirs["account"], theirs["administrator"]) == (2, False)
    jid = cloud.call(abs, -1)
    assert cloud.account.list_keys(key, secret) == [key]
    assert cloud.account.list_keys(everybody=True) == [own_key(home), key]
    for refused in (
        lambda: cloud.account.list_keys(key, secret, everybody=True),
        lambda: cloud.account.create_account(key, secret),
        lambda: cloud.account.get_key(key, secret, own_key(home)),
        lambda: cloud.account.deactivate_key(key, secret, own_key(home)),
    ):
        with pytest.raises(NotAuthorised):
            refused()
    cloud.setkey(key, secret)
    with pytest.raises(JobNotFound):
        cloud.result(int(jid))
    assert cloud.account.create_key()["account"] == 2
    cloud.config.commit()
    assert cloud.account.deactivate_key(api_key=key) is True, "an administrator may"
    assert cloud.account.create_account()["account"] == 3


@pytest.mark.parametrize("key", ["99", "no-such"])
def test_a_key_that_is_not_there_is_an_error(key: str) -> None:
    with pytest.raises(NotAuthorised, match=f"there is no key {key} here"):
        cloud.account.get_key(api_key=key)


@pytest.mark.parametrize("key", [1.5, True, "../x", ""])
def test_what_cannot_be_a_key_is_refused_here(key: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        cloud.account.get_key(api_key=key)


def test_a_job_manages_no_keys() -> None:
    def job() -> str:
        import os

        from cloud.client.connection import Connection

        connection = Connection(os.environ["PICLOUD_URL"])
        answer = connection.request("keys", f"Bearer {os.environ['PICLOUD_JOB_TOKEN']}", [b"{}"], 10)
        return f"{answer.status} {bytes(answer.body).decode()}"

    assert "a job cannot manage keys" in cloud.result(cloud.call(job))


def test_it_is_real_while_cloud_is_the_simulator(home: Path) -> None:
    cloud.start_simulator()
    assert cloud.account.list_keys() == [own_key(home)]


def test_hostile_requests_are_refused(home: Path) -> None:
    cloud.account.list_keys()
    card = embedded._card(state_directory(str(home)))
    served = Served.__new__(Served)
    served.folder, served.url = state_directory(str(home)), card["url"]
    for body in (
        b"[]",
        b"{",
        b'{"note": 1}',
        b'{"new_account": "yes"}',
        b'{"note": "%s"}' % (b"x" * 2000),
        b" " * 70_000,
    ):
        status, _, said = served.request("POST", "/v1/keys", body)
        assert (status, json.loads(said)["error"]["code"]) == (400, 400), body[:40]
    status, _, _ = served.request("GET", "/v1/keys", headers={})
    assert status == 401
    assert len(cloud.account.list_keys()) == 1
    api = HttpApi(Endpoint(card["url"], "1", "guess"))
    with pytest.raises(NotAuthorised):
        api.describe()
    api.close()


def test_the_own_key_of_this_user_needs_no_secret(home: Path) -> None:
    jid = cloud.call(abs, -2)
    cloud.setkey(own_key(home), restart=True)
    assert cloud.result(int(jid)) == 2


def test_a_key_in_the_script_finds_its_secret(home: Path) -> None:
    """S45: cloudconf.py holds the account; the secret is in the credentials folder (SPEC C.4)."""
    import subprocess
    import sys

    new = cloud.account.create_key()
    (home / "cloudconf.py").write_text(f"api_key = {new['api_key']}\n")
    code = "import cloud; print(cloud.result(cloud.call(abs, -3)), cloud.connection_info()['api_key'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert (done.stdout, done.stderr) == (f"3 {new['api_key']}\n", "")


def test_administrators_change_accounts_from_code(home: Path) -> None:
    made = cloud.account.create_account(name="ada")
    changed = cloud.account.change_account("ada", limits={"queued_jobs": 2, "files": None})
    assert (changed["account"], changed["own_limits"]) == (made["account"], {"queued_jobs": 2, "files": None})
    assert [account["name"] for account in cloud.account.list_accounts()] == ["", "ada"]
    own = cloud.account.get_account(None, made["api_key"], made["api_secretkey"])
    assert (own["name"], own["limits"]["queued_jobs"], own["administrator"]) == ("ada", 2, False)
    with pytest.raises(NotAuthorised):
        cloud.account.list_accounts(made["api_key"], made["api_secretkey"])
    cloud.setkey(made["api_key"], made["api_secretkey"])
    with pytest.raises(LimitExceeded, match="ada may have at most 2 jobs"):
        cloud.map(abs, range(3))
    assert cloud.result(cloud.map(abs, range(-2, 0))) == [2, 1]
