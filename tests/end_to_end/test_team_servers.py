"""Two servers of a team on one PostgreSQL: any of them answers anybody, and they run each other's jobs."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from cloud.errors import CloudException
from cloud.model import Status
from cloud.wire import calls
from tests.support.postgres import Cluster
from tests.support.team import TeamServer
from tests.support.waiting import eventually

T = TypeVar("T")


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


def test_each_answers_for_jobs_that_the_other_took_in(servers: tuple[TeamServer, TeamServer]) -> None:
    one, other = servers
    for at, elsewhere in ((one, other), (other, one)):
        jids = at.submit(lambda x: x * x, range(100))
        assert elsewhere.wait((jids,)) == ()
        assert elsewhere.results(jids) == at.results(jids) == [x * x for x in range(100)]


def test_large_values_are_reached_through_either(servers: tuple[TeamServer, TeamServer]) -> None:
    one, other = servers
    jids = one.submit(lambda text: text * 2, ["x" * 100_000, "y" * 100_000])
    assert [len(text) for text in other.results(jids)] == [200_000, 200_000]


def test_both_work_on_one_map(servers: tuple[TeamServer, TeamServer], tmp_path: Path) -> None:
    one, _ = servers

    def meet(i: int, folder: str = str(tmp_path)) -> bool:
        """Ends when the other job runs too: with a worker each, the two are at different servers."""
        import os
        import time

        open(f"{folder}/{i}", "w").close()
        while not os.path.exists(f"{folder}/{1 - i}"):
            time.sleep(0.005)
        return True

    assert one.results(one.submit(meet, range(2))) == [True, True]


def test_a_job_is_killed_through_the_server_that_does_not_run_it(servers: tuple[TeamServer, TeamServer]) -> None:
    one, other = servers
    (jid,) = jids = one.submit(lambda _: __import__("time").sleep(600), [0])
    eventually(lambda: other.status((jids,)) == [Status.PROCESSING])
    for server in servers:  # one of them runs it, and one does not
        server.ask(calls.ask("kill", (jids,), force=False))
    assert other.wait((jids,)) == ()
    assert one.status((range(jid, jid + 1),)) == [Status.KILLED]


def test_a_restart_of_the_database_is_not_noticed(servers: tuple[TeamServer, TeamServer], postgres: Cluster) -> None:
    one, other = servers
    before = one.submit(lambda x: x + 1, range(50))
    running = other.submit(lambda x: __import__("time").sleep(0.3) or x, range(2))
    postgres.stop()
    postgres.start()
    assert _patiently(lambda: other.results(before)) == list(range(1, 51))
    assert _patiently(lambda: one.results(running)) == [0, 1]
    after = _patiently(lambda: other.submit(lambda x: -x, range(5)))
    assert _patiently(lambda: one.results(after)) == [0, -1, -2, -3, -4]


def test_a_server_whose_database_is_away_answers_at_once(
    servers: tuple[TeamServer, TeamServer], postgres: Cluster
) -> None:
    one, _ = servers
    postgres.stop()
    statuses = [one.request("GET", path)[0] for path in ("/readyz", "/v1/account", "/healthz")]
    postgres.start()
    assert statuses == [503, 503, 200]
    eventually(lambda: one.request("GET", "/readyz")[0] == 200)


def _patiently(ask: Callable[[], T]) -> T:
    """As clients do: again, where the server says that it may help."""

    def asked() -> list[T]:
        try:
            return [ask()]
        except CloudException as error:
            if not error.retry:
                raise
            return []

    return eventually(asked)[0]
