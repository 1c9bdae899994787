"""What the Job page loads besides itself, over plain HTTP: the stream of its outputs, downloads, profiles as files."""

import json
import pstats
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.looking import Look
from tests.support.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


@pytest.fixture
def visitor(server: Served) -> Look:
    """Somebody with a key."""
    return Look(server).sign_in(server.card["key"], server.card["secret"])


def cookies_of(visitor: Look) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}


def speak(folder: str) -> None:
    """Says a line for each file that appears in the folder, and ends with the file 'end'."""
    import os
    import sys
    import time

    print("begun", flush=True)
    said: set[str] = set()
    while "end" not in said:
        for name in sorted(set(os.listdir(folder)) - said):
            said.add(name)
            print("heard", name, flush=True)
            print("also", name, file=sys.stderr, flush=True)
        time.sleep(0.005)  # the job sleeps


def lines(texts: list[str]) -> None:
    for text in texts:
        print(text)


def leaf(n: int) -> int:
    return sum(range(n))


def branch(n: int) -> int:
    return max([leaf(i * 10) for i in range(n)])


def tree(n: int) -> int:
    return branch(n) + len([str(i) for i in range(n)])


def test_a_stream_that_broke_goes_on_where_it_was(server: Served, visitor: Look) -> None:
    (jid,) = jids = server.submit(lines, [["ä" * 20_000, "€uro", "end"]])
    server.wait((jids,))
    whole = events(visitor.get(f"/jobs/{jid}/live").text)
    text = "".join(event["text"] for _, event in whole if event["stream"] == "stdout")
    assert text == "ä" * 20_000 + "\n€uro\nend\n"
    cut = text.index("€")
    position = len(text[:cut].encode()) + 1  # inside of a character
    rest = events(visitor.get(f"/jobs/{jid}/live?seen=stdout={position}@1,stderr=0@0").text)
    assert "".join(event["text"] for _, event in rest)[-8:] == "uro\nend\n"
    last, _ = whole[-1]
    assert events(visitor.get(f"/jobs/{jid}/live?seen={last}").text) == []


def events(stream: str) -> list[tuple[str, Any]]:
    found = []
    for block in stream.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if fields.get("event") == "output":
            found.append((fields["id"], json.loads(fields["data"])))
    assert stream.endswith("event: end\ndata:\n\n")
    return found


def test_the_stream_of_a_job_is_for_its_account_alone(server: Served, visitor: Look) -> None:
    (jid,) = jids = server.submit(lines, [["secret"]])
    server.wait((jids,))
    _, _, body = server.request("POST", "/v1/keys", json.dumps({"new_account": True}).encode())
    made = json.loads(body)
    other = Look(server).sign_in(made["api_key"], made["api_secretkey"])
    for end in ("live", "stdout", "stdout/download", "exception", "stack", "profile/x.pstats"):
        assert other.get(f"/jobs/{jid}/{end}").status == 404, end
        assert "secret" not in other.text
    assert visitor.get(f"/jobs/{jid}/profile/x.pstats").status == 404


def test_a_stream_ends_with_the_visit(server: Served, visitor: Look, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(speak, [str(tmp_path)])
    cookies = cookies_of(visitor)
    connection = server.connect()
    connection.request("GET", f"/jobs/{jid}/live", headers=cookies)
    stream = connection.getresponse()
    while b"begun" not in stream.readline():
        pass
    visitor.get("/jobs").press("sign-out")
    (tmp_path / "secret").touch()
    assert b"secret" not in stream.read()
    connection.close()
    (tmp_path / "end").touch()
    server.wait((jids,))


def test_a_server_that_stops_does_not_wait_for_pages_that_are_open(tmp_path: Path) -> None:
    served = Served(str(tmp_path / "home"), "--workers", "1")
    visitor = Look(served).sign_in(served.card["key"], served.card["secret"])
    (tmp_path / "said").mkdir()
    (jid,) = served.submit(speak, [str(tmp_path / "said")])
    connection = served.connect()
    connection.request("GET", f"/jobs/{jid}/live", headers=cookies_of(visitor))
    stream = connection.getresponse()
    while b"begun" not in stream.readline():
        pass
    assert served.end() == 0
    assert b"event: end" not in stream.read()
    connection.close()


def test_a_download_has_the_bytes_that_were_written(server: Served, visitor: Look) -> None:
    def write(_: object) -> None:
        import os

        os.write(1, bytes(range(256)) + b"\x1b[31mred\r\n")

    (jid,) = jids = server.submit(write, [None])
    server.wait((jids,))
    status, headers, body = server.request(
        "GET",
        f"/jobs/{jid}/stdout/download",
        headers=cookies_of(visitor),
    )
    assert (status, body) == (200, bytes(range(256)) + b"\x1b[31mred\r\n")
    assert headers["content-disposition"] == f'attachment; filename="job-{jid}-stdout.txt"'
    assert headers["x-content-type-options"] == "nosniff"


def test_a_profile_is_downloaded_for_other_programs(server: Served, visitor: Look, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(tree, [60], profile=True)
    server.wait((jids,))
    cookies = cookies_of(visitor)
    status, _, body = server.request("GET", f"/jobs/{jid}/profile/any.pstats", headers=cookies)
    assert status == 200
    path = tmp_path / "job.pstats"
    path.write_bytes(body)
    functions = {name for _, _, name in pstats.Stats(str(path)).stats}  # type: ignore[attr-defined]
    assert {"tree", "leaf"} <= functions
    _, _, body = server.request("GET", f"/jobs/{jid}/profile/any.speedscope.json", headers=cookies)
    assert {"tree", "leaf"} <= {frame["name"] for frame in json.loads(body)["shared"]["frames"]}
