"""Ten thousand jobs that do nothing: how many times the rate of `multiprocessing.Pool(2).map(..., chunksize=1)`?"""

import multiprocessing
import time
from collections.abc import Callable

import cloud
import cloud.mp
from benchmarks.figure import Figure, ratios, write
from benchmarks.surroundings import fresh_home

JOBS, ROUNDS = 10_000, 5


def same(x: int) -> int:
    """The tiny job."""
    return x


def main() -> None:
    """Interleaved, so that what the machine does besides hits all alike; medians of the ratios of each round."""
    expected = list(range(JOBS))
    with fresh_home(workers=2), multiprocessing.Pool(2) as pool:
        ways: dict[str, Callable[[], list[int]]] = {
            "pool": lambda: pool.map(same, range(JOBS), chunksize=1),
            "mp": lambda: cloud.mp.result(cloud.mp.map(same, range(JOBS))),
            "server": lambda: cloud.result(cloud.map(same, range(JOBS))),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(ROUNDS + 1):
            for way, run in ways.items():
                began = time.perf_counter()
                answer = run()
                elapsed = time.perf_counter() - began
                assert answer == expected
                if number:  # the first round starts workers
                    seconds[way].append(elapsed)
        cloud.mp.close()
    figures = [Figure.median(f"{way}: jobs per second", [JOBS / s for s in seconds[way]], "1/s") for way in ways]
    figures += [
        Figure.median("cloud.mp / Pool", ratios(seconds["pool"], seconds["mp"]), "times", at_least=4),
        Figure.median("server / Pool", ratios(seconds["pool"], seconds["server"]), "times", at_least=2),
    ]
    write("tiny_jobs", figures)


if __name__ == "__main__":
    main()
