"""A real server on loopback: calls over HTTP, keys, JSON for people, large bodies, bad requests."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import InvalidSubmission, JobNotFound, NotAuthorised, ProtocolMismatch
from cloud.model import Status
from cloud.wire import calls
from cloud.wire.message import CONTENT_TYPE, PROTOCOL, decode
from tests.support.served import Served
from tests.support.waiting import eventually

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


def test_a_map_is_submitted_waited_for_and_read(server: Served) -> None:
    jids = server.submit(lambda x: x * x, range(100))
    assert server.wait((jids,)) == ()
    assert server.status((jids,)) == [Status.DONE] * 100
    assert server.results(jids) == [x * x for x in range(100)]


def test_a_repeated_submission_makes_no_second_set_of_jobs(server: Served) -> None:
    from tests.support.served import part_of

    message = calls.submit(part_of(lambda x: x, [1, 2, 3]))
    first, _ = server.ask(message)
    again, _ = server.ask(message)
    assert calls.read_receipt(first) == calls.read_receipt(again)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"label": 1001 * "x"}, "a label of 1,001 characters: at most 1,000 may be"),
        ({"os_env_vars": {"A": (3 << 20) * "x"}}, "at most 2,097,152 may be"),
    ],
)
def test_texts_beside_the_arguments_are_no_place_for_data(server: Served, spec: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSubmission, match=told):
        server.submit(len, ["a"], **spec)
    assert server.submit(len, ["a"], label=1000 * "x")


def test_describe_says_what_the_server_is(server: Served) -> None:
    header, _ = server.ask(calls.ask("describe", None))
    about = calls.answer_of(header)
    assert about["slots"] == 2
    assert about["interpreters"]
    assert {about[name] == server.card[name] for name in ("version", "protocol", "server_id")} == {True}


def test_an_error_of_the_core_comes_back_as_its_class(server: Served) -> None:
    with pytest.raises(JobNotFound):
        server.ask(calls.ask("status", (range(10**9, 10**9 + 1),)))
    with pytest.raises(InvalidSubmission):
        server.ask(calls.ask("status", None))


def test_large_arguments_and_results_pass_through_without_resident_copies(server: Served) -> None:
    before = resident_bytes(server.pid)
    data = bytes(range(256)) * (48 * MEGABYTE // 256)
    jids = server.submit(lambda b: b[::-1], [data])
    assert server.results(jids) == [data[::-1]]
    assert private_bytes(server.pid) < 48 * MEGABYTE + before, "a body of 48 MB was held in memory"
    eventually(lambda: not list(Path(server.folder).rglob("tmp*")))


def test_a_held_question_whose_client_hangs_up_is_withdrawn_and_the_server_goes_on(server: Served) -> None:
    jids = server.submit(lambda x: time.sleep(x), [30])
    connection = server.connect()
    question = b"".join(calls.ask("wait", (jids,), timeout_seconds=60.0, stop_on_failure=False))
    connection.request("POST", "/v1/wait", question, server.authorization)
    connection.close()
    server.ask(calls.ask("kill", (jids,), force=True))
    assert server.wait((jids,)) == ()
    assert server.status((jids,)) == [Status.KILLED]


def test_a_held_question_is_answered_as_soon_as_there_is_an_answer(server: Served, tmp_path: Path) -> None:
    gate = str(tmp_path / "gate")

    def stay(path: str) -> str:
        import os
        import time

        while not os.path.exists(path):
            time.sleep(0.005)
        return "opened"

    jids = server.submit(stay, [gate])
    connection = server.connect()
    question = b"".join(calls.ask("outcomes", (jids,), timeout_seconds=60.0))
    connection.request("POST", "/v1/outcomes", question, server.authorization)
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    Path(gate).touch()
    header, frames = decode(connection.getresponse().read())
    connection.close()
    assert [ended.jids for ended in calls.read_ended(header, frames)] == [jids]


# --- who may come in


def test_no_key_a_wrong_key_and_a_made_up_token_are_refused_as_a_wire_error(server: Served) -> None:
    question = b"".join(calls.ask("describe", None))
    wrong = base64.b64encode(b"1:wrong").decode()
    for headers in ({}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "Bearer made-up"}):
        status, _, body = server.request("POST", "/v1/describe", question, headers)
        assert status == 401
        with pytest.raises(NotAuthorised):
            calls.answer_of(decode(body)[0])


def test_a_refusal_is_readable_although_the_body_was_large(server: Served) -> None:
    status, _, body = server.request("POST", "/v1/submit", b"x" * (8 * MEGABYTE), {"Authorization": "Basic eDp5"})
    assert status == 401
    with pytest.raises(NotAuthorised):
        calls.answer_of(decode(body)[0])


def test_a_rebound_name_and_a_page_of_another_server_are_refused(server: Served) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        for method, path in (("POST", "/v1/describe"), ("GET", "/v1/jobs/1"), ("GET", "/"), ("GET", "/healthz")):
            status, _, _ = server.request(method, path, b"", {**server.authorization, **headers})
            assert status == 403, (method, path, headers)


def test_the_key_file_is_the_users_alone_and_the_log_keeps_no_secret(server: Served) -> None:
    for name in ("server.json", "key.json", "server.log", "."):
        assert (Path(server.folder) / name).stat().st_mode & 0o077 == 0, name
    secret = server.card["secret"].encode()
    assert secret not in (Path(server.folder) / "server.log").read_bytes()
    assert secret not in (Path(server.folder) / "jobs.db").read_bytes()


# --- bad requests


def test_what_is_not_a_message_is_answered_with_a_clear_error(server: Served) -> None:
    for body in (b"", b"hello", b"x" * 100, b"x" * MEGABYTE * 2):
        _, _, answer = server.request("POST", "/v1/status", body)
        with pytest.raises(ProtocolMismatch):
            calls.answer_of(decode(answer)[0])


@pytest.mark.parametrize(("difference", "older"), [(-1, "the client"), (1, "the server")])
def test_a_client_of_another_protocol_is_told_who_must_be_renewed(server: Served, difference: int, older: str) -> None:
    spoken = {"Content-Type": f"application/x-picloud; protocol={PROTOCOL + difference}"}
    question = b"".join(calls.ask("describe", None))
    status, _, body = server.request("POST", "/v1/describe", question, {**server.authorization, **spoken})
    assert status == 426
    with pytest.raises(ProtocolMismatch, match=f"in version {PROTOCOL + difference} of the protocol") as refusal:
        calls.answer_of(decode(body)[0])
    assert refusal.value.hint is not None
    assert refusal.value.hint.startswith(f"{older} is the older one")


def test_a_client_of_the_same_protocol_is_answered(server: Served) -> None:
    spoken = {"Content-Type": CONTENT_TYPE}
    question = b"".join(calls.ask("describe", None))
    assert server.request("POST", "/v1/describe", question, {**server.authorization, **spoken})[0] == 200


def test_nothing_breaks_a_server_that_gets_nonsense_instead_of_http(server: Served) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=120) as raw:
        raw.sendall(b"\x00\xffnonsense\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 400")
    assert server.request("GET", "/healthz")[0] == 200


def test_endless_headers_are_cut_off(server: Served) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=120) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with pytest.raises(OSError):
            for _ in range(1000):
                raw.sendall(b"a" * 65536)
    assert server.request("GET", "/healthz")[0] == 200


def test_unknown_paths_and_methods_are_json_errors(server: Served) -> None:
    for method, path, expected in (("GET", "/nowhere", 404), ("DELETE", "/v1/jobs/1", 405), ("GET", "/v1/submit", 404)):
        status, _, body = server.request(method, path)
        assert (status, json.loads(body)["error"]["code"]) == (expected, expected)


# --- for people


def test_a_job_is_shown_as_json_with_its_output_as_text(server: Served) -> None:
    """S22."""
    jids = server.submit(lambda x: print("hello", x), ["<b>"], label="greeting")
    server.wait((jids,))
    jid = jids.start
    status, headers, body = server.request("GET", f"/v1/jobs/{jid}")
    shown = json.loads(body)
    assert (status, shown["jid"], shown["status"], shown["label"]) == (200, jid, "done", "greeting")
    assert headers["X-Content-Type-Options"] == "nosniff"
    _, headers, body = server.request("GET", f"/v1/jobs/{jid}/stdout")
    assert (headers["Content-Type"], body) == ("text/plain; charset=utf-8", b"hello <b>\n")


def test_several_jobs_and_chosen_fields_are_shown_by_a_list_of_jids(server: Served) -> None:
    jids = server.submit(lambda x: x, range(4))
    server.wait((jids,))
    first, last = jids.start, jids.stop - 1
    _, _, body = server.request("GET", f"/v1/jobs?jids={first},{first + 1}-{last}&field=status")
    assert json.loads(body) == {"info": {str(jid): {"status": "done"} for jid in jids}}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "jids=",
        "jids=x",
        "jids=3-1",
        "jids=1-99999999",
        "jids=" + "9" * 30,
        "jids=1&field=func_object",
        "jids=1-21&field=stdout",
    ],
)
def test_lists_that_cannot_be_are_refused(server: Served, query: str) -> None:
    status, _, body = server.request("GET", f"/v1/jobs?{query}")
    assert (status, json.loads(body)["error"]["code"]) == (400, 400)


@pytest.mark.parametrize("jid", ["999999999", "9" * 18, "9" * 30, "9" * 5000, "-1", "x", "%00", "1e3"])
def test_a_job_that_is_not_there_is_a_json_404(server: Served, jid: str) -> None:
    status, _, body = server.request("GET", f"/v1/jobs/{jid}")
    assert (status, json.loads(body)["error"]["retry"]) == (404, False)


def test_a_job_is_killed_by_post_only(server: Served) -> None:
    jids = server.submit(lambda x: time.sleep(x), [60])
    assert server.request("GET", f"/v1/jobs/{jids.start}/kill")[0] in (404, 405)
    status, _, _ = server.request("POST", f"/v1/jobs/{jids.start}/kill?force=1")
    assert status == 200
    server.wait((jids,))
    assert server.status((jids,)) == [Status.KILLED]


def test_the_summary_counts_jobs_by_status(server: Served) -> None:
    _, _, before = server.request("GET", "/v1/summary")
    jids = server.submit(lambda x: x, range(7))
    server.wait((jids,))
    _, _, after = server.request("GET", "/v1/summary")
    assert json.loads(after)["jobs"]["done"] - json.loads(before)["jobs"]["done"] == 7


def test_the_front_page_asks_for_a_key_under_strict_headers(server: Served) -> None:
    status, headers, body = server.request("GET", "/", headers={})
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert b'name="secret"' in body


def resident_bytes(pid: int) -> int:
    return _smaps(pid, "Rss:")


def private_bytes(pid: int) -> int:
    return _smaps(pid, "Anonymous:")


def _smaps(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
