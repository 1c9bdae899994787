"""What was submitted and what goes on, over plain HTTP: found, of the caller's account only, refused to others."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


def ask(server: Served, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    status, _, body = server.request(method, path, headers=headers)
    return status, json.loads(body)


def another_account(server: Served) -> dict[str, str]:
    """Headers of somebody else."""
    _, _, body = server.request("POST", "/v1/keys", json.dumps({"new_account": True}).encode())
    made = json.loads(body)
    proof = base64.b64encode(f"{made['api_key']}:{made['api_secretkey']}".encode()).decode()
    return {"Authorization": f"Basic {proof}"}


def odd(x: int) -> int:
    if x % 2:
        return x
    raise ValueError(x)


def test_jids_of_a_status_are_told_as_ranges(server: Served) -> None:
    jids = server.submit(odd, [1, 3, 2, 5, 4, 6], label="some")
    assert server.wait((jids,)) == ()
    first = jids.start
    for status, pairs in {
        "": [[first, first + 5]],
        "done": [[first, first + 1], [first + 3, first + 3]],
        "failed": [[first + 2, first + 2], [first + 4, first + 5]],
        "finished": [[first, first + 5]],
    }.items():
        found = ask(server, f"/v1/submissions?label=some&jids=1&status={status}")[1]["submissions"]
        assert [each["jids"] for each in found] == [pairs], status
    assert ask(server, "/v1/submissions?label=some&status=unfinished")[1]["submissions"] == []
    assert "jids" not in ask(server, "/v1/submissions?label=some")[1]["submissions"][0]


def test_pages_go_on_where_the_last_one_ended(server: Served) -> None:
    for number in range(53):
        server.submit(odd, [1], label=f"page {number}")
    page = ask(server, "/v1/submissions?label=page")[1]
    assert (len(page["submissions"]), page["submissions"][0]["label"]) == (50, "page 52")
    rest = ask(server, f"/v1/submissions?label=page&before={page['before']}")[1]
    assert ([each["label"] for each in rest["submissions"]], rest["before"]) == (["page 2", "page 1", "page 0"], None)


@pytest.mark.parametrize("query", ["status=flying", "jid=x", "before=-1", "since=nan", "until=then", "jid=" + "9" * 30])
def test_what_cannot_be_meant_is_refused(server: Served, query: str) -> None:
    status, said = ask(server, f"/v1/submissions?{query}")
    assert (status, said["error"]["retry"]) == (400, False)


def test_others_see_nothing_and_cannot_end_the_server(server: Served) -> None:
    jids = server.submit(odd, [1], label="mine")
    server.wait((jids,))
    other = another_account(server)
    assert ask(server, "/v1/submissions", headers=other)[1]["submissions"] == []
    assert ask(server, f"/v1/submissions?jid={jids[0]}", headers=other)[1]["submissions"] == []
    seen = ask(server, "/v1/top", headers=other)[1]
    assert (seen["submissions"], seen["running"], sum(seen["ended"])) == ([], [], 0)
    assert ask(server, "/v1/retire", "POST", headers=other)[0] == 401
    for path in ("/v1/submissions", "/v1/top"):
        assert ask(server, path, headers={})[0] == 401
    assert ask(server, "/healthz")[0] == 200
