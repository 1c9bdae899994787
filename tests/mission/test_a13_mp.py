"""SPEC A.13: cloud.mp."""

import inspect
import os
from pathlib import Path

import pytest

import cloud as package
from cloud import mp
from cloud.client.session import Session
from cloud.errors import JobNotFound
from tests.support.waiting import eventually


def test_it_mirrors_cloud() -> None:
    """S51: the same functions with the same parameters."""
    for name in ("call", "map", "status", "join", "result", "iresult", "info", "kill", "delete", "close"):
        here, there = getattr(mp, name), getattr(package, name)
        assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters), name
    assert mp.finished_statuses == package.finished_statuses
    assert mp.connection_info()["connection_type"] == "multiprocessing"


def meet(folder: str, me: int, other: int) -> int:
    """Ends only when the other one is there at the same time."""
    Path(folder, str(me)).touch()
    eventually(Path(folder, str(other)).exists)
    return os.getpid()


def test_jobs_run_at_once_in_processes_of_a_pool(cloud: Session, tmp_path: Path) -> None:
    """S52: several at once; beyond: on the server that starts by itself as well."""
    pids = cloud.map(meet, [str(tmp_path)] * 2, [0, 1], [1, 0]).result()
    assert len(set(pids)) == 2
    assert os.getpid() not in pids


def test_jobs_may_use_it(cloud: Session) -> None:
    """S53: a pool of the job's own on the server, the one that runs it in `cloud.mp`."""

    def job() -> int:
        from cloud import mp

        return sum(mp.result(mp.map(abs, range(4))))

    assert cloud.call(job).result() == 6


def test_jobs_that_wait_for_jobs_do_not_lock_one_another_up(cloud: Session) -> None:
    """S54: "deadlock is possible": lifted: a job that waits lends its place."""
    name = cloud.where

    def depth(n: int) -> int:
        import importlib

        module = importlib.import_module(name)
        return 0 if n == 0 else 1 + max(module.result(module.map(depth, [n - 1] * 2)))

    assert cloud.call(depth, 4).result() == 4


def test_what_is_not_needed_any_more_can_be_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """S55: by `delete`, or by `mp_cache_size_limit`: older jobs are forgotten."""
    mp.close()
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    monkeypatch.setenv("PICLOUD_MP_CACHE_SIZE_LIMIT", "60")
    old = mp.map(abs, range(50))
    mp.join(old)
    mp.delete(old[49])
    with pytest.raises(JobNotFound):
        mp.status(old[49])
    young = mp.map(abs, range(50))
    mp.join(young)

    def gone(jid: int) -> bool:
        try:
            mp.status(jid)
        except JobNotFound:
            return True
        return False

    eventually(lambda: sum(map(gone, old)) == 40, what="forty of the fifty older jobs to be forgotten")
    assert mp.result(young) == list(range(50))
    mp.close()
