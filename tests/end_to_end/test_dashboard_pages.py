"""Overview, Files, Keys and Server pages over plain HTTP: what is shown to whom, and what their buttons do."""

import html
import json
import re
import secrets
import time
from collections.abc import Iterator

import pytest

from cloud.model import Status
from cloud.wire import calls
from tests.support.looking import Look
from tests.support.served import Served
from tests.support.waiting import eventually

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


@pytest.fixture
def visitor(server: Served) -> Look:
    """Somebody with a key."""
    return Look(server).sign_in(server.card["key"], server.card["secret"])


@pytest.fixture
def stranger(server: Served) -> Look:
    """Somebody with a key of another account."""
    _, _, body = server.request("POST", "/v1/keys", json.dumps({"new_account": True}).encode())
    made = json.loads(body)
    return Look(server).sign_in(made["api_key"], made["api_secretkey"])


def shown(visitor: Look) -> str:
    """The page's text as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", visitor.text)).split())


def fails(x: int) -> int:
    if x == 2:
        raise ValueError(f"no {x} today {HOSTILE}")
    return x


def lasts(seconds: float) -> None:
    time.sleep(seconds)  # the job sleeps


def csrf_of(visitor: Look) -> str:
    return visitor.get("/overview").form("sign-out")[1]["csrf"]


# --- Overview


def test_the_overview_counts_what_ended_and_names_what_failed(server: Served, visitor: Look, stranger: Look) -> None:
    label = f"rain {secrets.token_hex(4)} of may"
    jids = server.submit(fails, range(5), label=label)
    server.wait((jids,))
    eventually(lambda: f"{label} 4 1 0" in shown(visitor.get("/overview?by=label")))
    failure = f"error fails {label} job {jids.start + 2} ValueError: no 2 today {HOSTILE}"
    eventually(lambda: failure in shown(visitor.get("/overview?by=label")))
    assert HOSTILE not in visitor.text
    by_function = re.search(r" fails (\d+) (\d+) 0 ", shown(visitor.get("/overview?span=day&by=function")))
    assert by_function is not None
    assert (int(by_function[1]), int(by_function[2])) >= (4, 1), "others ran it, too, perhaps"
    assert "rain" not in stranger.get("/overview?by=label").text
    assert "rain" not in stranger.get("/overview/curves?by=label").text


def test_the_overview_shows_what_runs_now_to_its_account_only(server: Served, visitor: Look, stranger: Look) -> None:
    jids = server.submit(lasts, [600.0] * 4, label="night long")
    eventually(lambda: server.status((jids,)).count(Status.PROCESSING) == 2)
    eventually(lambda: re.search(r"lasts night long 2 4 ", shown(visitor.get("/overview"))))
    eventually(lambda: "2 processing 2 queued 0 waiting" in shown(visitor.get("/overview")))
    assert "night" not in stranger.get("/overview").text
    server.ask(calls.ask("kill", (jids,), force=True))
    eventually(lambda: "Nothing runs." in shown(visitor.get("/overview")))


def test_the_numbers_behind_the_charts_can_be_asked_for_from_a_time_on(server: Served, visitor: Look) -> None:
    server.wait((server.submit(fails, [1]),))
    eventually(lambda: any(json.loads(visitor.get("/overview/curves").text)["ended"][0]))
    whole = json.loads(visitor.text)
    newest = whole["first"] + len(whole["crew"][0]) - 1
    later = json.loads(visitor.get(f"/overview/curves?since={newest}").text)
    assert later["first"] == newest
    assert len(later["ended"][0]) == len(later["crew"][0]) <= len(whole["crew"][0])
    for since in ("nan", "-1", "1e300", "x"):
        assert json.loads(visitor.get(f"/overview/curves?since={since}&span=x&by=y").text)["step"] == 1


# --- Files


def test_files_are_listed_by_prefix_fetched_and_deleted(server: Served, visitor: Look, stranger: Look) -> None:
    for name, data in (("films/may.txt", b"rain"), ("films/june.txt", b"sun"), (f"odd {HOSTILE} ü?&#.txt", b"odd")):
        csrf = csrf_of(visitor)
        assert visitor.send("POST", "/files/upload", {"name": name}, data, {"X-Csrf": csrf}).status == 201
    text = shown(visitor.get("/files?prefix=films/"))
    assert "films/june.txt 3 B" in text
    assert "odd" not in text
    assert HOSTILE not in visitor.get("/files?prefix=odd").text
    link = re.search(r'href="([^"]*download[^"]*odd[^"]*)"', visitor.text)
    assert link is not None
    assert visitor.get("/" + html.unescape(link[1])).text == "odd"
    assert visitor.headers["content-disposition"].startswith("attachment")
    assert "films" not in stranger.get("/files").text
    assert stranger.get("/files/download?name=films/may.txt").status == 404
    stranger.post("/files/delete", {"csrf": csrf_of(stranger), "name": "films/may.txt"})
    assert visitor.get("/files?prefix=films/may").press("delete").path == "/files?prefix=films/may"
    assert "No file has a name" in shown(visitor)
    assert "films/june.txt" in shown(visitor.get("/files?prefix=films/"))


def test_many_files_come_page_by_page(server: Served, visitor: Look) -> None:
    for number in range(105):
        server.request("PUT", f"/v1/files/many/{number:03}", b"x")
    assert "many/099" in shown(visitor.get("/files?prefix=many/"))
    assert "many/100" not in visitor.text
    link = re.search(r'href="([^"]*after=[^"]*)"', visitor.text)
    assert link is not None
    text = shown(visitor.get("/" + html.unescape(link[1])))
    assert "many/104" in text
    assert "many/099" not in text


@pytest.mark.parametrize("name", ["", "/root", "../up", "a" * 2000])
def test_what_cannot_be_a_name_is_refused_with_its_reason(visitor: Look, name: str) -> None:
    sent = visitor.send("POST", "/files/upload", {"name": name}, b"x", {"X-Csrf": csrf_of(visitor)})
    assert sent.status == 400
    assert "cannot be called" in json.loads(sent.text)["error"]


# --- Keys


def test_a_secret_is_shown_once_and_opens_the_same_account(server: Served, visitor: Look) -> None:
    jids = server.submit(fails, [1], label="seen with any key")
    made = visitor.get("/keys").post("/keys", {**visitor.form("keys")[1], "note": f"night {HOSTILE}"})
    text = html.unescape(made.text)
    key, secret = (re.search(rf"{name}=(\S+?)(?:<|\n)", text)[1] for name in ("API_KEY", "API_SECRETKEY"))  # type: ignore[index]
    assert HOSTILE not in made.text
    assert secret not in visitor.get("/keys").text
    assert html.escape(f"night {HOSTILE}", quote=True).replace("&#x27;", "&#39;") in visitor.text
    other = Look(server).sign_in(key, secret)
    assert "seen with any key" in other.get(f"/jobs?jid={jids.start}").text
    visitor.press(f"keys/{key}/deactivate")
    assert f"Key {key} is inactive" in shown(visitor)
    assert other.get("/jobs").path.startswith("/sign-in")
    visitor.get("/keys").press(f"keys/{key}/activate")
    assert other.get("/jobs").path == "/jobs"
    visitor.get("/keys").post(f"/keys/{key}/note", {**visitor.form(f"keys/{key}/note")[1], "note": "day shift"})
    assert "day shift" in visitor.get("/keys").text


def test_who_is_signed_in_cannot_lock_themselves_out(server: Served, visitor: Look) -> None:
    key = server.card["key"]
    assert f"keys/{key}/deactivate" not in visitor.get("/keys").text
    answer = visitor.post(f"/keys/{key}/deactivate", {"csrf": csrf_of(visitor)})
    assert answer.status == 400
    assert f"signed in with key {key}" in shown(answer)


def test_only_an_administrator_makes_accounts_and_nobody_sees_keys_of_others(
    server: Served, visitor: Look, stranger: Look
) -> None:
    assert "new_account" not in stranger.get("/keys").text
    refused = stranger.post("/keys", {"csrf": csrf_of(stranger), "new_account": "1"})
    assert refused.status == 401
    ours = server.card["key"]
    for what in ("activate", "deactivate", "note"):
        assert stranger.post(f"/keys/{ours}/{what}", {"csrf": csrf_of(stranger)}).status == 401
    assert visitor.get("/jobs").path == "/jobs"
    made = visitor.get("/keys").post("/keys", {**visitor.form("keys")[1], "new_account": "1"})
    assert "of the new account" in shown(made)


# --- Server


def test_the_server_page_says_what_runs_on_which_worker(server: Served, visitor: Look, stranger: Look) -> None:
    (jid,) = jids = server.submit(lasts, [600.0], label="long")
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    eventually(lambda: f"job {jid} lasts" in shown(visitor.get("/server")))
    text = shown(visitor)
    for word in (f"{server.pid}, Python", "SQLite", "Local engine: 1 of 2 slots busy", "cpython-", "Free"):
        assert word in text
    assert "a job of another account" in shown(stranger.get("/server"))
    assert f"job {jid}" not in stranger.text
    server.ask(calls.ask("kill", (jids,), force=True))


# --- all


def test_nothing_changes_without_the_token_of_a_page(server: Served, visitor: Look) -> None:
    server.request("PUT", "/v1/files/kept", b"x")
    for path in ("/files/delete", "/keys", "/keys/1/note", "/keys/1/deactivate", "/keys/1/activate"):
        assert visitor.post(path, {"name": "kept"}).status == 403
    assert visitor.send("POST", "/files/upload", {"name": "kept"}, b"other", {}).status == 403
    assert server.request("GET", "/v1/files/kept")[2] == b"x"


def test_pages_are_for_who_is_signed_in(server: Served) -> None:
    for page in ("overview", "overview/curves", "files", "files/download?name=kept", "keys", "server"):
        assert Look(server).get(f"/{page}").path.startswith("/sign-in")


@pytest.mark.parametrize("page", ["overview?span=day&by=function", "files", "keys", "server"])
def test_addresses_are_relative_so_that_a_proxy_may_add_a_prefix(visitor: Look, page: str) -> None:
    found = re.findall(r'(?:href|src|action|data-from|data-to)="([^"]*)"', visitor.get(f"/{page}").text)
    assert found
    assert [address for address in found if address.startswith("/") or "://" in address] == []


def test_a_link_leads_to_a_page_of_ours_and_nowhere_else(server: Served) -> None:
    for wanted, path in (
        ("files", "/files"), ("", "/jobs"), ("//evil.example", "/jobs"), ("https://evil.example", "/jobs"),
        ("/%5Cevil.example", "/jobs"), ("../../evil", "/jobs"),
    ):  # fmt: skip
        _, _, body = server.request("POST", "/v1/dashboard-links")
        assert Look(server).get(f"{json.loads(body)['path']}?next={wanted}").path == path
