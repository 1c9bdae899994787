"""Functions and arguments to bytes: what does the enhanced pickler cost beside plain cloudpickle?"""

import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np

from benchmarks.figure import Figure, ratios, write
from cloud import pickling
from cloud.client.datalogs import Datalog, Serialization
from cloud.client.packing import Packer

FUNCTIONS, ROUNDS = 1000, 9


def main() -> None:
    """Rounds of everything, interleaved; the figures are medians of ratios within a round."""
    functions = [_lambda(n) for n in range(FUNCTIONS)]
    array = np.zeros(1_000_000)
    packer = Packer(Serialization())

    def each(dump: Callable[[Any], object]) -> Callable[[], None]:
        def run() -> None:
            for function in functions:
                dump(function)

        return run

    with tempfile.TemporaryDirectory() as folder:
        logs = Datalog(folder, Serialization())
        ways: dict[str, Callable[[], object]] = {
            "cloudpickle": each(lambda f: cloudpickle.dumps(f, protocol=5)),
            "level 1": each(lambda f: pickling.dumps(f, 1)),
            "level 0": each(lambda f: packer.call((f,), {}, 0, "cloud.call")),
            "as a job's function": each(lambda f: packer.function(f, "cloud.call")),
            "logged": lambda: [logs.begin("call", f) for f in functions[:100]],
            "8 MB array by pickle": lambda: [pickle.dumps(array, 5) for _ in range(20)],
            "8 MB array": lambda: [pickling.dumps(array) for _ in range(20)],
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, run in ways.items():
                start = time.perf_counter()
                run()
                seconds[way].append(time.perf_counter() - start)
    base = seconds["cloudpickle"]
    write(
        "pickling",
        [
            Figure("1,000 lambdas, cloudpickle", 1e3 * statistics.median(base), "ms"),
            Figure.median("level 1 / cloudpickle", ratios(seconds["level 1"], base), "", at_most=1.3),
            Figure.median("level 0, logs off / cloudpickle", ratios(seconds["level 0"], base), "", at_most=2.5),
            Figure.median("the function of a job / cloudpickle", ratios(seconds["as a job's function"], base), "",
                          at_most=2.5),
            Figure.median("level 0, logs on / cloudpickle", [10 * r for r in ratios(seconds["logged"], base)], ""),
            Figure.median("8 MB array / pickle", ratios(seconds["8 MB array"], seconds["8 MB array by pickle"]), ""),
        ],
    )  # fmt: skip


def _lambda(n: int) -> Callable[[int], int]:
    return lambda x: x + n


if __name__ == "__main__":
    main()
