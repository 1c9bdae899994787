"""How soon does the first result of a large map arrive, and how long does `import cloud` take?"""

import subprocess
import sys
import time

import cloud
from benchmarks.figure import Figure, write
from benchmarks.surroundings import fresh_home

ROUNDS = 7


def same(x: int) -> int:
    """The job."""
    return x


def main() -> None:
    """From the call of `map` to the first item of `iresult`; the rest is waited for before the next round."""
    first = []
    with fresh_home(workers=2):
        began = time.perf_counter()
        cloud.result(cloud.call(same, 1))
        start = time.perf_counter() - began
        for _ in range(ROUNDS):
            began = time.perf_counter()
            jids = cloud.map(same, range(10_000))
            results = cloud.iresult(jids)
            next(results)
            first.append((time.perf_counter() - began) * 1000)
            cloud.join(jids)
    imports = [_import_milliseconds("import cloud") - _import_milliseconds("pass") for _ in range(ROUNDS)]
    write(
        "first_result",
        [
            Figure.median("first of 10,000 results", first, "ms", at_most=30),
            Figure("first use, server not yet running", start * 1000, "ms"),
            Figure.median("import cloud", imports, "ms", at_most=100),
        ],
    )


def _import_milliseconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
