"""Texts of any kind and length on pages."""

import re
from collections.abc import Iterator

import pytest

from cloud.wire import calls
from tests.support.looking import Look
from tests.support.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


@pytest.fixture
def visitor(server: Served) -> Look:
    return Look(server).sign_in(server.card["key"], server.card["secret"])


def prints(x: object) -> object:
    print("said", x)
    return x


def test_a_label_that_no_page_can_have_is_shown_as_far_as_it_can_be(server: Served, visitor: Look) -> None:
    jids = server.submit(prints, range(2), label="caf\udce9 <b>", shown_arguments=("\udce9", "2"))
    server.wait((jids,))
    pages = ("jobs", "jobs?open=1", "overview", "overview?by=label", f"maps/{jids.start}", f"jobs/{jids.start}")
    for page in pages:
        assert "caf? &lt;b&gt;" in visitor.get(f"/{page}").text or page.startswith("overview"), page
        assert visitor.status == 200
    assert visitor.get("/jobs?label=caf").status == 200
    assert server.request("GET", "/v1/submissions?label=caf")[0] == 200
    server.ask(calls.ask("delete", (jids,)))


def test_a_very_long_label_is_cut_and_found_by_its_beginning(server: Served, visitor: Look) -> None:
    jids = server.submit(prints, range(2), label="long " * 200)
    server.wait((jids,))
    for page in ("jobs", "overview?by=label", f"maps/{jids.start}", f"jobs/{jids.start}"):
        assert 0 < visitor.get(f"/{page}").text.count("long ") < 100, page
    (found,) = re.findall(r'class="label" href="../([^"]*)"', visitor.text)
    assert f'href="maps/{jids.start}"' in visitor.get(f"/{found}").text
    server.ask(calls.ask("delete", (jids,)))


def test_a_call_says_how_long_it_ran_and_why_it_failed(server: Served, visitor: Look) -> None:
    def fails(x: int) -> None:
        raise ValueError(f"no {x} today")

    good, bad = server.submit(prints, [1], label="short"), server.submit(fails, [7], label="short")
    server.wait((good, bad))
    text = " ".join(re.sub(r"<[^>]*>", " ", visitor.get("/jobs?label=short").text).split())
    assert re.search(r"done in ([\d.]+|under 1) (µs|ms|s) ", text)
    assert re.search(r"error in ([\d.]+|under 1) (µs|ms|s) ValueError: no 7 today ", text)
