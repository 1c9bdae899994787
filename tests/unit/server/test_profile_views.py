"""A profile as a flame graph, as a `pstats` file and as a speedscope file."""

import cProfile
import json
import marshal
import pstats
from pathlib import Path
from typing import Any

import pytest

from cloud.server.dashboard.flame import Frame, frames_of
from cloud.server.dashboard.profile import Profile, read_profile
from cloud.server.dashboard.profile_files import to_pstats, to_speedscope
from cloud.wire.profile import table


def leaf(n: int) -> int:
    return sum(range(n))


def left(n: int) -> int:
    return leaf(n) + leaf(n)


def right(n: int) -> int:
    return leaf(n)


def both() -> int:
    return sum(left(300) + right(300) for _ in range(50))


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


def taken(function: Any, *args: Any) -> tuple[cProfile.Profile, Profile]:
    taker = cProfile.Profile()
    taker.runcall(function, *args)
    profile = read_profile(json.loads(json.dumps(table(taker))))
    assert profile is not None
    return taker, profile


def names(profile: Profile, frame: Frame) -> list[str]:
    return [profile.rows[row].function for row in frame.stack()]


def test_a_flame_graph_has_the_stacks_that_were() -> None:
    _, profile = taken(both)
    stacks = [names(profile, frame) for frame in frames_of(profile)]
    for stack in (["both"], ["left", "leaf"], ["right", "leaf"]):
        assert any(found[-len(stack) :] == stack for found in stacks)
    assert stacks[0] == ["both"]


def test_frames_lie_inside_the_frame_above_them_and_beside_each_other() -> None:
    _, profile = taken(both)
    for frame in frames_of(profile):
        edge = frame.left
        for below in sorted(frame.below, key=lambda found: found.left):
            assert below.left >= edge - 1e-12
            edge = below.left + below.seconds
        assert edge <= frame.left + frame.seconds + 1e-9


def test_own_times_of_all_frames_are_the_time_of_the_whole() -> None:
    _, profile = taken(both)
    frames = frames_of(profile)
    whole = sum(frame.seconds for frame in frames if frame.parent is None)
    assert sum(frame.own for frame in frames) == pytest.approx(whole, rel=0.01)


def test_recursion_is_folded_into_the_frame_that_it_returns_to() -> None:
    _, profile = taken(even, 50)
    assert [names(profile, frame) for frame in frames_of(profile)][:2] == [["even"], ["even", "odd"]]


def test_a_pstats_file_is_what_cprofile_would_have_written(tmp_path: Path) -> None:
    taker, profile = taken(both)
    path = tmp_path / "job.pstats"
    path.write_bytes(to_pstats(profile))
    loaded, original = (pstats.Stats(source).stats for source in (str(path), taker))  # type: ignore[attr-defined]
    assert loaded.keys() == original.keys()
    for function, (primitive, calls, own, cumulative, callers) in original.items():
        assert loaded[function][:2] == (primitive, calls)
        assert loaded[function][2:4] == pytest.approx((own, cumulative), abs=1e-8)
        assert loaded[function][4].keys() == callers.keys()
        for caller, numbers in callers.items():
            assert loaded[function][4][caller] == pytest.approx(numbers, abs=1e-8)


@pytest.mark.parametrize("calls", [0, 1, (1 << 31) - 1, 1 << 31, (1 << 45) + 7, (1 << 62) + 12345])
def test_pstats_files_hold_numbers_of_any_size(calls: int) -> None:
    profile = read_profile({"rows": [["ü\ud800.py", 1, "f", calls, calls, 0.5, 1.5]], "edges": []})
    assert profile is not None
    assert marshal.loads(to_pstats(profile)) == {("ü\ud800.py", 1, "f"): (calls, calls, 0.5, 1.5, {})}


def test_a_speedscope_file_holds_stacks_with_their_own_times() -> None:
    _, profile = taken(both)
    document = json.loads(to_speedscope(profile, "job 7"))
    (told,) = document["profiles"]
    frames = document["shared"]["frames"]
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert told["type"] == "sampled"
    assert told["unit"] == "seconds"
    assert len(told["samples"]) == len(told["weights"]) > 3
    assert told["endValue"] == pytest.approx(sum(told["weights"]))
    assert {frames[at]["name"] for stack in told["samples"] for at in stack} >= {"both", "left", "right", "leaf"}


@pytest.mark.parametrize(
    "noted",
    [None, 7, {}, {"rows": 3}, {"rows": [[1]]}, {"rows": [["f", 1, "n", "many", 1, 0.1, 0.1]]},
     {"rows": [["f", 1, "n", 1, 1, float("nan"), 0.1]]}, {"rows": [["f", 1, "n", 1, 1, 0.1, 0.1]], "edges": [[0, 1]]},
     {"rows": [["f", 1, "n", 1, 1, 0.1, 0.1]], "edges": [[0, 9, 1, 1, 0.1, 0.1]]}, {"rows": []}],
)  # fmt: skip
def test_what_is_no_profile_is_none(noted: Any) -> None:
    """A worker process can note anything."""
    assert read_profile(noted) is None


def test_a_profile_without_edges_is_a_table_all_the_same() -> None:
    profile = read_profile({"rows": [["f.py", 1, "f", 1, 1, 0.1, 0.1], ["g.py", 1, "g", 2, 2, 0.2, 0.3]]})
    assert profile is not None
    assert [row.function for row in profile.sorted_by("calls")] == ["g", "f"]
    assert [frame.depth for frame in frames_of(profile)] == [0, 0]


def test_thousands_of_functions_make_a_bounded_graph() -> None:
    rows = [["f.py", 1, f"f{at}", 1, 1, 0.001, 0.001 * (3000 - at)] for at in range(3000)]
    edges = [[at, at + 1, 1, 1, 0.001, 0.001 * (2999 - at)] for at in range(2999)]
    profile = read_profile({"rows": rows, "edges": edges})
    assert profile is not None
    assert len(frames_of(profile)) <= 800
