"""The dashboard of servers that share a store: a visit is one visit, wherever it goes on and ends."""

import html
import json
import re
import signal
from collections.abc import Iterator

import pytest

from tests.support.looking import Look
from tests.support.postgres import Cluster
from tests.support.team import TeamServer


@pytest.fixture(scope="module")
def servers(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TeamServer, TeamServer]]:
    """Both on one database and one folder of blobs, a worker each."""
    url, folder = postgres.url(), tmp_path_factory.mktemp("team")
    one = TeamServer(url, folder)
    try:
        other = TeamServer(url, folder, one.authorization)
    except BaseException:
        one.end(signal.SIGKILL)
        raise
    yield one, other
    assert [one.end(), other.end()] == [0, 0]


def shown(visitor: Look) -> str:
    """The page's text as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", visitor.text)).split())


def test_a_visit_goes_on_at_another_server_and_ends_at_both(servers: tuple[TeamServer, TeamServer]) -> None:
    one, other = servers
    there = Look(one).sign_in(one.variables["PICLOUD_API_KEY"], one.variables["PICLOUD_API_SECRETKEY"])
    assert there.path == "/jobs"
    here = Look(other)
    here.cookies = dict(there.cookies)
    jids = one.submit(abs, range(-5, 0), label="of both")
    assert one.wait((jids,)) == ()
    assert "of both" in shown(here.get("/jobs"))
    assert "PostgreSQL, shared by 2 servers" in shown(here.get("/server"))
    for page in ("overview", "files", "keys", f"maps/{jids.start}", f"jobs/{jids.start}"):
        assert (here.get(f"/{page}").status, here.path) == (200, f"/{page}")
    there.get("/jobs").press("sign-out")
    assert here.get("/jobs").path.startswith("/sign-in")


def test_a_link_that_one_server_made_signs_in_at_the_other_and_once(servers: tuple[TeamServer, TeamServer]) -> None:
    one, other = servers
    _, _, body = one.request("POST", "/v1/dashboard-links")
    path = json.loads(body)["path"]
    visitor = Look(other).get(path)
    assert (visitor.status, visitor.path) == (200, "/jobs")
    for server in servers:
        again = Look(server).get(path)
        assert (again.status, "used before" in shown(again)) == (401, True)
