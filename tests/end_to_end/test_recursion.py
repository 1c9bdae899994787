"""Jobs that use cloud themselves wait without holding a slot, to any depth, with a single slot (DESIGN D12)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud import mp
from tests.support import processes


@pytest.fixture(params=["mp", "server"])
def one_slot(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """'cloud.mp' or 'cloud' with a single worker slot."""
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    cloud.close()
    mp.close()
    yield "cloud.mp" if request.param == "mp" else "cloud"
    mp.close()
    cloud.close()


def the(name: str) -> Any:
    """The module of this name, imported where the job runs."""
    import importlib

    return importlib.import_module(name)


def tree(name: str, depth: int) -> int:
    """Number of jobs in a tree ten wide."""
    if depth == 0:
        return 1
    below = [the(name).call(tree, name, depth - 1) for _ in range(10)]
    total: int = 1 + sum(the(name).result(jid) for jid in below)
    return total


def child(i: int) -> int:
    """Counts the processes of the pool it runs in."""
    return i + 1000 * len(processes.descendants(os.getppid()))


def parent(name: str, i: int) -> int:
    """Waits for one child."""
    result: int = the(name).result(the(name).call(child, i))
    return result


def test_three_levels_of_ten_jobs_each_finish_with_one_slot(one_slot: str) -> None:
    """S54."""
    assert the(one_slot).result(the(one_slot).call(tree, one_slot, 3)) == 1111


def test_a_thousand_parents_with_a_child_each_block_a_handful_of_processes(one_slot: str) -> None:
    n = 1000
    results = the(one_slot).result(the(one_slot).map(parent, [one_slot] * n, range(n)))
    assert [r % 1000 for r in results] == list(range(n))
    assert max(r // 1000 for r in results) < 12


def test_a_job_may_wait_for_a_map_that_waits_for_another(one_slot: str) -> None:
    def outer(name: str) -> list[int]:
        module = the(name)
        first = module.map(lambda x: x + 1, range(5))
        second = module.map(lambda x: x * 2, range(5), _depends_on=first)
        return list(module.result(second))

    assert the(one_slot).result(the(one_slot).call(outer, one_slot)) == [0, 2, 4, 6, 8]


def test_children_know_their_parent(one_slot: str) -> None:
    def outer(name: str) -> int:
        return int(the(name).call(len, "abc"))

    jid = the(one_slot).call(outer, one_slot)
    inner = the(one_slot).result(jid)
    assert the(one_slot).info(inner, "attributes")[inner]["attributes"]["parent_jid"] == jid
