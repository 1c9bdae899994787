"""A team's accounts on a real server: made, limited, closed, looked at, and kept from each other."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.errors import JobNotFound, LimitExceeded, NotAuthorised
from cloud.model import Status
from tests.support.looking import Look
from tests.support.served import Served


class Member(Served):
    """The same server with the key of one of its accounts."""

    def __init__(self, server: Served, made: dict[str, Any]) -> None:
        self.url, self.account = server.url, made["account"]
        self.key, self.secret = made["api_key"], made["api_secretkey"]

    @property
    def authorization(self) -> dict[str, str]:
        proof = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


def ask(server: Served, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    sent = b"" if body is None else json.dumps(body).encode()
    status, _, data = server.request(method, path, sent, {**server.authorization, **headers})
    return status, json.loads(data)


def member(server: Served, name: str, **limits: Any) -> Member:
    """Of a new account."""
    status, made = ask(server, "POST", "/v1/accounts", {"name": name, "limits": limits})
    assert status == 200, made
    return Member(server, made)


def double(x: int) -> int:
    return 2 * x


def lasts(seconds: float) -> None:
    time.sleep(seconds)  # the job sleeps


def test_an_account_is_made_with_a_name_and_limits_and_sees_them(server: Served) -> None:
    ada = member(server, "ada", queued_jobs=3, files=None)
    status, own = ask(ada, "GET", "/v1/account")
    assert (status, own["name"], own["limits"]["queued_jobs"], own["usage"]["queued_jobs"]) == (200, "ada", 3, 0)
    assert ada.results(ada.submit(double, [1, 2])) == [2, 4]
    with pytest.raises(LimitExceeded, match="ada may have at most 3 jobs"):
        ada.submit(double, range(4))
    _, summary = ask(ada, "GET", "/v1/summary")
    assert (summary["account_name"], summary["limits"]["queued_jobs"]) == ("ada", 3)
    assert summary["usage"]["stored_bytes"] > 0


def test_jobs_that_a_limit_keeps_waiting_start_when_it_is_raised(server: Served) -> None:
    hal = member(server, "hal", slots=0)
    with pytest.raises(LimitExceeded, match="would never run"):
        hal.submit(double, [1])
    ask(server, "POST", "/v1/accounts/hal", {"limits": {"slots": None}})
    blocked = hal.submit(double, [1])
    assert hal.results(blocked) == [2]
    ask(server, "POST", "/v1/accounts/hal", {"limits": {"slots": 1}})
    first, second = hal.submit(lasts, [600.0]), hal.submit(double, [4])
    assert hal.status((second,)) == [Status.QUEUED]
    ask(server, "POST", "/v1/accounts/hal", {"limits": {"slots": 2}})
    assert hal.results(second) == [8]
    ask(hal, "POST", f"/v1/jobs/{first.start}/kill")


def test_only_administrators_see_and_change_accounts(server: Served) -> None:
    bob = member(server, "bob")
    for method, path in (("GET", "/v1/accounts"), ("POST", "/v1/accounts"), ("POST", "/v1/accounts/bob"),
                         ("GET", "/v1/submissions?everybody=1")):  # fmt: skip
        status, said = ask(bob, method, path, {} if method == "POST" else None)
        assert status == 401, said
    _, found = ask(server, "GET", "/v1/accounts")
    assert {"bob"} <= {account["name"] for account in found["accounts"]}
    status, _ = ask(server, "POST", "/v1/accounts/bob", {"administrator": True})
    assert ask(bob, "GET", "/v1/accounts")[0] == status == 200
    ask(server, "POST", "/v1/accounts/bob", {"administrator": False})
    assert ask(bob, "GET", "/v1/accounts")[0] == 401


def test_what_is_no_account_or_no_limit_is_refused(server: Served) -> None:
    assert ask(server, "POST", "/v1/accounts/nobody", {"name": "x"})[0] == 400
    assert ask(server, "POST", "/v1/accounts/1", {"active": False})[0] == 400
    member(server, "cleo")
    for body in ({"limits": {"slots": "many"}}, {"limits": {"jobs": 1}}, {"nmae": "x"}, {"active": "no"}):
        assert ask(server, "POST", "/v1/accounts/cleo", body)[0] == 400
    assert ask(server, "POST", "/v1/accounts", {"name": "cleo"})[0] == 400, "the name is taken"


def test_the_keys_of_a_closed_account_open_nothing_until_it_is_opened_again(server: Served) -> None:
    dan = member(server, "dan")
    visitor = Look(server).sign_in(dan.key, dan.secret)
    assert visitor.get("/jobs").path == "/jobs"
    dan.submit(double, [1])
    ask(server, "POST", "/v1/accounts/dan", {"active": False})
    with pytest.raises(NotAuthorised, match="dan is closed"):
        dan.submit(double, [1])
    assert visitor.get("/jobs").path.startswith("/sign-in")
    ask(server, "POST", "/v1/accounts/dan", {"active": True})
    dan.submit(double, [1])


def test_an_administrator_sees_all_jobs_and_whose_they_are_and_may_ask_on_behalf_of_anybody(server: Served) -> None:
    eve, fay = member(server, "eve"), member(server, "fay")
    jids = eve.submit(double, [4], label="of eve")
    eve.results(jids)
    _, found = ask(server, "GET", "/v1/submissions?everybody=1&label=of eve".replace(" ", "%20"))
    assert [(s["account_name"], s["first"]) for s in found["submissions"]] == [("eve", jids.start)]
    path = f"/v1/jobs/{jids.start}"
    assert ask(server, "GET", path)[0] == ask(fay, "GET", path)[0] == JobNotFound.http_status
    assert ask(server, "GET", path, **{"X-Picloud-Account": str(eve.account)})[1]["status"] == "done"
    assert ask(fay, "GET", path, **{"X-Picloud-Account": str(eve.account)})[0] == 403
    for nonsense in ("99", "-1", "x"):
        assert ask(server, "GET", path, **{"X-Picloud-Account": nonsense})[0] == 403


def test_the_account_page_shows_limits_and_to_administrators_everybody(server: Served) -> None:
    gil = member(server, "gil", slots=1)
    jids = gil.submit(lasts, [600.0, 600.0], label="night of gil")
    own = Look(server).sign_in(gil.key, gil.secret)
    assert "of at most 1" in own.get("/account").text
    assert "All accounts" not in own.text
    chief = Look(server).sign_in(server.card["key"], server.card["secret"])
    assert "night of gil" in chief.get("/account").text
    assert "night of gil" not in chief.get("/jobs").text
    fields = {"csrf": chief.get("/account").form("sign-out")[1]["csrf"], "back": "jobs", "account": str(gil.account)}
    assert own.post("/account/look", {**fields, "csrf": own.get("/jobs").form("sign-out")[1]["csrf"]}).status == 401
    assert "night of gil" in chief.post("/account/look", fields).text
    assert f"You look at account {gil.account}" in chief.text
    chief.get(f"/jobs/{jids.start}")
    chief.press(f"{jids.start}/kill")
    assert gil.wait((range(jids.start, jids.start + 1),)) == ()
    chief.post("/account/change", {**fields, "slots": "2", "queued_jobs": "none", "back": "account"})
    assert "of at most 2" in chief.get("/account").text
    chief.press("account/look")
    assert "night of gil" not in chief.get("/jobs").text
    ask(server, "POST", f"/v1/jobs/{jids.stop - 1}/kill", **{"X-Picloud-Account": str(gil.account)})
