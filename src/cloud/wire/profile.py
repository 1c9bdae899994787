"""The profile of a job, from `cProfile`, as JSON that is bounded: a text for people, rows and call edges for pages.

{"text": what `pstats` prints, by time with callees,
 "rows": [[file, line, function, calls, primitive calls, own seconds, seconds with callees], ...], longest first,
 "edges": [[caller, callee, calls, primitive calls, own seconds, seconds with callees], ...], places in `rows`,
 "left_out": how many functions are missing from rows}
"""

import cProfile
import io
from typing import Any

TEXT_MAX = 64 * 1024
"""Characters of the text."""
ROWS_MAX = 1000
EDGES_MAX = 3000
NAMES_MAX = 192 * 1024
"""Characters of all names of files and functions together."""


def table(profile: cProfile.Profile) -> dict[str, Any]:
    """What is kept of a profile that was taken: some 300 KB at most."""
    import pstats  # few jobs need it

    text = io.StringIO()
    stats = pstats.Stats(profile, stream=text)
    stats.sort_stats("cumulative").print_stats(200)
    found: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    places: dict[Any, int] = {}
    rows: list[list[Any]] = []
    room = NAMES_MAX
    for key, (primitive, calls, own, cumulative, _) in sorted(found.items(), key=lambda item: -item[1][3]):
        file, line, name = key
        room -= len(file) + len(name)
        if len(rows) == ROWS_MAX or room < 0:
            break
        places[key] = len(rows)
        rows.append([file, line, name, calls, primitive, _brief(own), _brief(cumulative)])
    return {
        "text": text.getvalue()[:TEXT_MAX],
        "rows": rows,
        "edges": _edges(found, places),
        "left_out": len(found) - len(rows),
    }


def _edges(found: dict[Any, Any], places: dict[Any, int]) -> list[list[float]]:
    """Who called whom, among the rows that are kept; the longest if there are too many."""
    edges = [
        [places[caller], at, calls, primitive, _brief(own), _brief(cumulative)]
        for callee, at in places.items()
        for caller, (calls, primitive, own, cumulative) in found[callee][4].items()
        if caller in places
    ]
    if len(edges) > EDGES_MAX:
        edges = sorted(edges, key=lambda edge: -edge[5])[:EDGES_MAX]
    return edges


def _brief(seconds: float) -> float:
    return round(seconds, 9)
