"""One job, started and waited for: what does a synchronous call cost?"""

import http.client
import statistics
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import cloud
import cloud.mp
from benchmarks.figure import Figure, percentile, ratios, write
from benchmarks.surroundings import fresh_home

CALLS, ROUNDS = 200, 5


def nothing() -> None:
    """The job."""


def main() -> None:
    """Rounds of calls, interleaved; each round gives a median, the figures are medians of those."""
    with ProcessPoolExecutor(2) as pool, fresh_home(workers=2):
        pool.submit(nothing).result()
        cloud.result(cloud.call(nothing))
        cloud.mp.result(cloud.mp.call(nothing))
        request = _empty_request()

        def two_requests() -> None:
            request()
            request()

        ways: dict[str, Callable[[], object]] = {
            "two empty requests": two_requests,
            "server": lambda: cloud.result(cloud.call(nothing)),
            "ProcessPoolExecutor": lambda: pool.submit(nothing).result(),
            "cloud.mp": lambda: cloud.mp.result(cloud.mp.call(nothing)),
        }
        rounds: dict[str, list[list[float]]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, run in ways.items():
                rounds[way].append([_milliseconds(run) for _ in range(CALLS)])
        cloud.mp.close()
    middle = {way: [statistics.median(samples) for samples in rounds[way]] for way in ways}
    figures = [Figure.median(f"{way}: p50", middle[way], "ms") for way in ways]
    figures += [
        Figure.median(f"{way}: p99", [percentile(samples, 99) for samples in rounds[way]], "ms")
        for way in ("server", "cloud.mp")
    ]
    figures += [
        Figure.median(
            "server / two empty requests", ratios(middle["server"], middle["two empty requests"]), "times", at_most=3
        ),
        Figure.median(
            "cloud.mp / ProcessPoolExecutor",
            ratios(middle["cloud.mp"], middle["ProcessPoolExecutor"]),
            "times",
            at_most=1,
        ),
    ]
    write("single_call", figures)


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000


def _empty_request() -> Callable[[], None]:
    """A request that asks the same server for nothing, on a connection of its own that is kept."""
    address = urllib.parse.urlsplit(cloud.connection_info()["server_url"])
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port)

    def request() -> None:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    return request


if __name__ == "__main__":
    main()
