"""The web view over plain HTTP: who may see it, what is found, what is shown of a job, what its buttons do."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.model import Status
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


def shown(visitor: Look) -> str:
    """The page's text as it is read."""
    return html.unescape(re.sub(r"<[^>]*>", "", visitor.text))


def prints(x: object) -> object:
    import sys

    print("said", x)
    print("complained", x, file=sys.stderr)
    return x


def fails(x: int) -> None:
    raise ValueError(f"no {x} today")


def link_of(server: Served) -> str:
    _, _, body = server.request("POST", "/v1/dashboard-links")
    return str(json.loads(body)["path"])


# --- who may see it


def test_without_a_key_every_page_leads_to_the_form_and_from_there_back(server: Served) -> None:
    visitor = Look(server).get("/jobs?label=a%20b")
    assert (visitor.path, visitor.status) == ("/sign-in?next=jobs%3Flabel%3Da%2520b", 200)
    wrong = visitor.post("/sign-in", {"key": server.card["key"], "secret": "wrong", "next": "jobs?label=a%20b"})
    assert (wrong.status, wrong.cookies) == (401, {})
    right = wrong.post(
        "/sign-in", {**wrong.form("sign-in")[1], "key": server.card["key"], "secret": server.card["secret"]}
    )
    assert (right.path, right.status) == ("/jobs?label=a%20b", 200)


@pytest.mark.parametrize("address", ["//other.example", "https://other.example/", "jobs/../../x", "jobs?\\x", "/jobs"])
def test_signing_in_leads_nowhere_else(server: Served, address: str) -> None:
    fields = {"key": server.card["key"], "secret": server.card["secret"], "next": address}
    assert Look(server).post("/sign-in", fields).path == "/jobs"


def test_a_link_signs_in_once(server: Served) -> None:
    path = link_of(server)
    status, headers, _ = server.request("HEAD", path)
    assert (status, headers["Set-Cookie"]) == (204, None)
    assert Look(server).get(path).path == "/jobs"
    again = Look(server).get(path)
    assert (again.status, again.cookies) == (401, {})
    assert server.request("POST", "/v1/dashboard-links", headers={})[0] == 401


def test_signing_out_ends_it(visitor: Look) -> None:
    copied = dict(visitor.cookies)
    visitor.get("/jobs").press("sign-out")
    assert visitor.get("/jobs").path.startswith("/sign-in")
    visitor.cookies = copied
    assert visitor.get("/jobs").path.startswith("/sign-in"), "the visit is over, not only forgotten by the browser"


def test_a_changed_cookie_is_no_cookie(visitor: Look) -> None:
    ((name, value),) = visitor.cookies.items()
    for wrong in ("", "1", "1.9999999999.a.b", value[:-1] + ("0" if value[-1] != "0" else "1"), "2" + value[1:]):
        visitor.cookies = {name: wrong}
        assert visitor.get("/jobs").path.startswith("/sign-in")


def test_a_visit_ends_with_its_key_and_sees_its_account_only(server: Served) -> None:
    (jid,) = server.submit(prints, [1], label="of the first account")
    _, _, body = server.request("POST", "/v1/keys", json.dumps({"new_account": True}).encode())
    made = json.loads(body)
    other = Look(server).sign_in(made["api_key"], made["api_secretkey"])
    assert "of the first account" not in other.get("/jobs").text
    assert "of the first account" not in other.get(f"/jobs?jid={jid}").text
    for path in (f"/jobs/{jid}", f"/jobs/{jid}/stdout"):
        assert other.get(path).status == 404
    csrf = other.get("/jobs").form("sign-out")[1]["csrf"]
    for whole in ({}, {"whole": "1"}):
        assert other.post(f"/jobs/{jid}/delete", {"csrf": csrf, **whole}).status == 404
    server.request("POST", f"/v1/keys/{made['api_key']}/deactivate")
    assert other.get("/jobs").path.startswith("/sign-in")


def test_nothing_changes_without_the_token_of_a_form(server: Served, visitor: Look) -> None:
    (jid,) = jids = server.submit(prints, [1])
    server.wait((jids,))
    for fields in ({}, {"csrf": "made up"}):
        assert visitor.post(f"/jobs/{jid}/delete", fields).status == 403
    csrf = visitor.get(f"/jobs/{jid}").form("delete")[1]["csrf"]
    assert visitor.post(f"/jobs/{jid}/delete", {"csrf": csrf}, Origin="http://other.example").status == 403
    assert server.status((jids,)) == [Status.DONE]


def test_pages_run_no_code_but_their_own(server: Served, visitor: Look) -> None:
    (jid,) = jids = server.submit(prints, [HOSTILE], label=HOSTILE)
    server.wait((jids,))
    for path in ("/jobs", f"/jobs/{jid}", f"/jobs?label={HOSTILE}"):
        assert HOSTILE not in visitor.get(path).text
        assert HOSTILE in shown(visitor)
        policy = visitor.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"""(src|href|action)="(https?:)?//""", visitor.text)
    assert visitor.get(f"/jobs/{jid}/stdout").headers["content-type"].startswith("text/plain")


def test_addresses_are_relative_so_that_a_proxy_may_add_a_prefix(server: Served, visitor: Look) -> None:
    (jid,) = server.submit(prints, [1])
    for path in ("/jobs", f"/jobs/{jid}"):
        assert not re.search(r"""(src|href|action|hx-get|data-from|data-jobs)="/""", visitor.get(path).text)
    _, headers, _ = server.request("GET", f"/jobs/{jid}", headers={})
    assert headers["location"].startswith("../sign-in")


def test_styles_and_script_are_the_servers_own(visitor: Look) -> None:
    for name, kind in (("dashboard.css", "text/css"), ("dashboard.js", "text/javascript"), ("icon.svg", "image/svg")):
        assert visitor.get(f"/static/{name}").headers["content-type"].startswith(kind)
    assert visitor.get("/static/secrets").status == 404
    assert visitor.get("/static/..%2fvisits.py").status == 404


# --- the Jobs page


def test_jobs_are_found_by_label_in_the_web_view(server: Served, visitor: Look) -> None:
    """S31: part of a label, in any case, in the address; a submission is one row, the newest first."""
    first = server.submit(prints, range(3), label="Käse of monday")
    second = server.submit(prints, [1], label="KÄSE of tuesday")
    other = server.submit(prints, [1], label="bread")
    server.wait((first, second, other))
    visitor.get("/jobs?label=k%C3%A4se")
    found = re.findall(r'<td class="jids"><a href="(?:jobs|maps)/(\d+)"', visitor.text)
    assert found == [str(second.start), str(first.start)]
    assert "3 done" in shown(visitor)
    assert "bread" not in visitor.text
    assert "No jobs match" in visitor.get("/jobs?label=wine").text


def test_jobs_are_found_by_function_status_and_number(server: Served, visitor: Look) -> None:
    good, bad = server.submit(prints, range(4)), server.submit(fails, range(4), label="to find")
    server.wait((good, bad))

    def found(question: str) -> set[str]:
        return set(re.findall(r'<td class="jids"><a href="(?:jobs|maps)/(\d+)"', visitor.get(f"/jobs?{question}").text))

    assert str(bad.start) in found("function=FAILS")
    assert str(good.start) not in found("function=FAILS")
    assert str(bad.start) in found("status=error")
    assert str(good.start) not in found("status=error")
    assert found(f"jid={bad.start + 2}") == {str(bad.start + 2)}
    assert found("jid=999999999") == set()
    assert found("label=to+find&status=done") == set()
    assert f"first failed: {bad.start}" in visitor.get("/jobs?label=to+find").text


def test_older_submissions_are_on_further_pages(server: Served, visitor: Look) -> None:
    made = [server.submit(prints, [x], label="one of sixty").start for x in range(60)]
    seen: list[str] = []
    path = "/jobs?label=one+of+sixty"
    for _ in range(2):
        seen += re.findall(r'<td class="jids"><a href="(?:jobs|maps)/(\d+)"', visitor.get(path).text)
        older = re.search(r'href="jobs(\?[^"]*)" rel="next"', visitor.text)
        path = "/jobs" + html.unescape(older.group(1)) if older else ""
    assert path == ""
    assert seen == [str(jid) for jid in reversed(made)]


def test_a_map_is_killed_and_deleted_from_its_row(server: Served, visitor: Look, tmp_path: Path) -> None:
    def stay(path: str) -> None:
        import os
        import time

        while not os.path.exists(path):
            time.sleep(0.01)

    jids = server.submit(stay, [str(tmp_path / "never")] * 4, label="to end")
    eventually(lambda: Status.PROCESSING in server.status((jids,)))
    change(visitor.get("/jobs?label=to+end"), "kill", "Kill 4 jobs?")
    assert visitor.path == "/jobs?label=to+end"
    assert f"Killed 4 jobs: {jids.start}–{jids.stop - 1}." in shown(visitor)
    assert "Killed 4 jobs" not in shown(visitor.get(visitor.path))
    server.wait((jids,))
    assert server.status((jids,)) == [Status.KILLED] * 4
    visitor.post(f"/jobs/{jids.start + 1}/delete", {"csrf": visitor.form("sign-out")[1]["csrf"]})
    assert "3 killed" in shown(visitor.get("/jobs?label=to+end"))
    change(visitor, "delete", "Delete 3 jobs?")
    assert "No jobs match" in visitor.text
    assert visitor.get(f"/jobs/{jids.start}").status == 404


def change(visitor: Look, what: str, question: str, **more: str) -> None:
    """The first row's button, or with `all` everything that is found."""
    address, fields = visitor.form("jobs/change")
    if "all" not in more:
        fields["sid"] = re.findall(r'name="sid" value="(\d+)"', visitor.text)[0]
    visitor.post(address, {**fields, "do": what, **more})
    assert question in shown(visitor)
    visitor.press("jobs/change")


def test_everything_found_is_changed_at_once_and_nothing_else(server: Served, visitor: Look) -> None:
    good = [server.submit(prints, range(2), label="all found").start for _ in range(55)]
    other = server.submit(prints, [1], label="left alone")
    bad = server.submit(fails, range(3), label="all found")
    server.wait((*(range(jid, jid + 2) for jid in good), bad, other))
    change(visitor.get("/jobs?label=ALL+found&status=error"), "rerun", "Run 3 jobs again?", all="1")
    assert "Running 3 jobs again" in shown(visitor)
    again = range(bad.stop, bad.stop + 3)
    server.wait((again,))
    assert server.status((again,)) == [Status.ERROR] * 3
    change(visitor.get("/jobs?label=ALL+found"), "delete", "Delete 116 jobs?", all="1")
    assert "No jobs match" in shown(visitor)
    assert server.status((other,)) == [Status.DONE]


def test_more_jobs_than_were_agreed_to_are_asked_about_again(server: Served, visitor: Look) -> None:
    first = server.submit(prints, range(2), label="growing")
    server.wait((first,))
    address, fields = visitor.get("/jobs?label=growing").form("jobs/change")
    visitor.post(address, {**fields, "do": "delete", "all": "1"})
    second = server.submit(prints, range(3), label="growing")
    server.wait((second,))
    assert "Delete 5 jobs?" in shown(visitor.press("jobs/change"))
    assert server.status((first, second)) == [Status.DONE] * 5
    assert "No jobs match" in shown(visitor.press("jobs/change"))


def test_a_change_that_nothing_is_left_for_says_so(server: Served, visitor: Look) -> None:
    jids = server.submit(prints, range(2), label="over already")
    server.wait((jids,))
    visitor.get("/jobs?label=over+already")
    address, fields = visitor.form("jobs/change")
    sid = re.findall(r'name="sid" value="(\d+)"', visitor.text)[0]
    assert "Nothing to kill" in shown(visitor.post(address, {**fields, "do": "kill", "sid": sid, "sure": "1"}))
    assert visitor.post(address, {**fields, "do": "explode", "sid": sid}).status == 400
    assert "Nothing to delete" in shown(visitor.post(address, {**fields, "do": "delete", "sid": "-1"}))


def test_jobs_are_found_by_the_time_of_their_submission(server: Served, visitor: Look) -> None:
    jids = server.submit(prints, [1], label="timely")
    questions = {
        "since=2020-01-01": True,
        "until=2020-01-01T10:00": False,
        "since=2999-01-01": False,
        "since=2020-01-01&until=2999-01-01T00:00&zone=-120": True,
        "since=nonsense": True,
    }
    for question, there in questions.items():
        assert (f'href="jobs/{jids.start}"' in visitor.get(f"/jobs?label=timely&{question}").text) is there


def test_a_map_opens_to_its_first_jobs_in_the_address(server: Served, visitor: Look) -> None:
    jids = server.submit(fails, range(30), label="to open")
    server.wait((jids,))
    toggle = re.search(r'class="opener"[^>]* href="(jobs[^"]*)"', visitor.get("/jobs?label=to+open").text)
    assert toggle
    visitor.get("/" + html.unescape(toggle.group(1)))
    assert f'href="jobs/{jids.start + 11}"' in visitor.text
    assert f'href="jobs/{jids.start + 12}"' not in visitor.text
    assert "The whole map: 18 more" in shown(visitor)


# --- the Job page


def test_output_is_read_in_the_web_view(server: Served, visitor: Look) -> None:
    """S22: on the page of the job, and as plain text."""
    (jid,) = jids = server.submit(prints, ["a & b"])
    server.wait((jids,))
    visitor.get(f"/jobs/{jid}")
    assert re.search(r'id="stdout"[^>]*>\n?said a &amp; b\n</pre>', visitor.text)
    assert re.search(r'id="stderr"[^>]*>\n?complained a &amp; b\n</pre>', visitor.text)
    assert f"cloud.result({jid})" in shown(visitor)
    assert visitor.get(f"/jobs/{jid}/stdout").text == "said a & b\n"
    assert visitor.get(f"/jobs/{jid}/result").status == 404


def test_output_is_shown_while_a_job_runs(server: Served, visitor: Look, tmp_path: Path) -> None:
    """S22, S24: and the page says that it renews itself."""
    gate = tmp_path / "gate"

    def speak(path: str) -> None:
        import os
        import time

        print("begun", flush=True)
        while not os.path.exists(path):
            time.sleep(0.01)

    (jid,) = jids = server.submit(speak, [str(gate)])
    eventually(lambda: "begun\n</pre>" in visitor.get(f"/jobs/{jid}").text)
    assert "data-live" in visitor.text
    gate.touch()
    server.wait((jids,))
    assert "data-live" not in visitor.get(f"/jobs/{jid}").text


def test_long_output_is_cut_on_the_page_and_whole_behind_the_link(server: Served, visitor: Look) -> None:
    def fill(n: int) -> None:
        for i in range(n):
            print(f"line {i}", "x" * 1000)

    (jid,) = jids = server.submit(fill, [500])
    server.wait((jids,))
    visitor.get(f"/jobs/{jid}")
    assert len(visitor.text) < 400_000
    assert "are left out here" in visitor.text
    assert "line 499 " in visitor.text
    assert visitor.get(f"/jobs/{jid}/stdout").text.startswith("line 0 ")


def test_a_failed_job_shows_its_traceback_and_the_next_that_failed(server: Served, visitor: Look) -> None:
    jids = server.submit(fails, range(3))
    server.wait((jids,))
    visitor.get(f"/jobs/{jids.start}")
    assert "ValueError: no 0 today" in shown(visitor)
    assert f"Next failed: {jids.start + 1}" in shown(visitor)
    assert "1 of 3 in its map" in shown(visitor)


def test_a_job_shows_what_it_depends_on(server: Served, visitor: Look) -> None:
    before = server.submit(fails, range(5))
    server.wait((before,))
    (jid,) = server.submit(prints, [1], depends_on=(before,))
    visitor.get(f"/jobs/{jid}")
    assert f"{before.start}–{before.stop - 1}" in shown(visitor)
    assert "5 error" in shown(visitor)
    assert 'class="status stalled"' in visitor.text


def test_of_very_many_dependencies_some_are_counted(server: Served, visitor: Look) -> None:
    calls = [server.submit(prints, [1]) for _ in range(110)]
    server.wait(tuple(calls))
    (jid,) = server.submit(prints, [1], depends_on=(range(calls[0].start, calls[-1].stop),))
    assert "100 done and more, not counted here" in shown(visitor.get(f"/jobs/{jid}"))


def test_a_profile_is_a_table_that_can_be_sorted(server: Served, visitor: Look) -> None:
    """S37: on the page of a profiled job; calls, own time, time with callees, function."""

    def inner(n: int) -> int:
        return sum(range(n))

    def outer(n: int) -> int:
        return max([inner(i) for i in range(n)])

    (jid,) = jids = server.submit(outer, [300], profile=True)
    server.wait((jids,))
    tables = {}
    for sort in ("calls", "own", "cumulative", "function"):
        text = visitor.get(f"/jobs/{jid}?sort={sort}").text
        body = text[text.index('<table class="profile">') :]
        tables[sort] = re.findall(r'<td><span class="function">(.*?)</span>', body)
        assert re.search(rf'aria-sort="\w+"[^>]*><a href="[^"]*sort={sort}#', body)
    assert '<code id="result">44551</code>' in text
    assert tables["calls"][0] in ("inner", html.escape("<built-in method builtins.sum>"))
    assert tables["cumulative"][0] == "outer"
    assert sorted(tables["function"], key=html.unescape) == tables["function"]
    assert {len(rows) for rows in tables.values()} == {len(tables["own"])}
    assert 'class="profile"' not in visitor.get(f"/jobs/{server.submit(prints, [1]).start}").text


def test_a_job_that_is_not_there_is_a_page_that_says_so(visitor: Look) -> None:
    for path in ("/jobs/987654321", "/jobs/abc", "/jobs/" + "9" * 30, "/jobs/0"):
        assert visitor.get(path).status == 404
        assert "Not found" in visitor.text
