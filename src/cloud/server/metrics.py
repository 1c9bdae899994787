"""Numbers about a server, in the text format of Prometheus."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets of durations."""
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, object]


class Histogram:
    """Durations, by how long they were."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self) -> None:
        self._buckets = [0] * (len(SECONDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._buckets[bisect_left(SECONDS, seconds)] += 1
        self._sum += seconds

    def rows(self, name: str, labels: Labels) -> Iterable[str]:
        """Its lines."""
        below = 0
        for bound, number in zip((*map(str, SECONDS), "+Inf"), self._buckets, strict=True):
            below += number
            yield row(f"{name}_bucket", {**labels, "le": bound}, below)
        yield row(f"{name}_sum", labels, self._sum)
        yield row(f"{name}_count", labels, below)


class Page:
    """What is answered, family by family."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def family(self, name: str, kind: str, doc: str, rows: Iterable[tuple[Labels, float]]) -> None:
        """Numbers of one name; nothing where there are none."""
        self._head(name, kind, doc)
        self._lines += [row(name, labels, value) for labels, value in rows]

    def histograms(self, name: str, doc: str, all_of_it: Sequence[tuple[Labels, Histogram]]) -> None:
        """Durations of one name."""
        self._head(name, "histogram", doc)
        for labels, histogram in all_of_it:
            self._lines += histogram.rows(name, labels)

    def text(self) -> bytes:
        """All of it."""
        return ("\n".join(self._lines) + "\n").encode()

    def _head(self, name: str, kind: str, doc: str) -> None:
        self._lines += [f"# HELP {name} {doc}", f"# TYPE {name} {kind}"]


def row(name: str, labels: Labels, value: float) -> str:
    """One line."""
    told = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())
    return f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Tallies:
    """What is counted while a server runs: requests, transactions, jobs that ended."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By what was asked and the status of the answer."""
        self.durations: dict[str, Histogram] = {}
        self.transactions = Histogram()
        self.ended: Counter[tuple[int, str]] = Counter()
        """Jobs by account and status."""

    def answered(self, what: str, status: int, seconds: float) -> None:
        """A request."""
        self.requests[what, status] += 1
        histogram = self.durations.get(what)
        if histogram is None:
            histogram = self.durations[what] = Histogram()
        histogram.add(seconds)
