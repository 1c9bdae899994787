"""A measured figure: what it is, what it should be, and the samples it was made of."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    """The value must not be above this."""
    at_least: float | None = None
    """The value must not be below this."""
    samples: Sequence[float] = field(default=(), repr=False)

    @classmethod
    def median(
        cls,
        name: str,
        samples: Sequence[float],
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> "Figure":
        """The median of several rounds."""
        return cls(name, statistics.median(samples), unit, at_most, at_least, samples)

    @property
    def met(self) -> bool:
        """Whether it is what it should be; True where nothing is asked."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def wanted(self) -> str:
        """The limit, for people."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Round by round: what was measured next to each other is compared with each other."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def percentile(samples: Sequence[float], percent: float) -> float:
    """The sample below which `percent` of all lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def write(module: str, figures: Sequence[Figure]) -> None:
    """Keep the figures of one module as benchmarks/results/<module>.json."""
    RESULTS.mkdir(exist_ok=True)
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    (RESULTS / f"{module}.json").write_text(json.dumps(rows, indent=1) + "\n")


def read(module: str) -> list[Figure]:
    """What `write` kept; [] when there is nothing."""
    path = RESULTS / f"{module}.json"
    if not path.exists():
        return []
    return [Figure(**{k: v for k, v in row.items() if k != "met"}) for row in json.loads(path.read_text())]
