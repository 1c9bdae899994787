"""The Engine port: results, errors, arguments, environments and queues."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud.agent import worker
from cloud.dispatch.ports import Engine, Finished, Wanted
from cloud.engines.local import LocalEngine
from cloud.errors import StoreFull
from cloud.model import Environment, Spec, Status
from cloud.pickling import loads
from cloud.stores.blobs import FolderBlobs, MemoryBlobs
from tests.support.scripted import HERE, Dispatcher

MACHINE = "this machine"


@pytest.fixture(params=["local, memory", "local, folder"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dispatcher]:
    blobs = MemoryBlobs() if request.param.endswith("memory") else FolderBlobs(tmp_path / "blobs")
    engine = LocalEngine(slots=2, blobs=blobs, machine=MACHINE)
    yield Dispatcher(engine, blobs)
    engine.abandon()
    blobs.close()


def test_a_call_comes_back_with_its_result(cloud: Dispatcher) -> None:
    (job,) = cloud.finish(cloud.call(lambda x, y: x + y, 3, 4))
    assert job.result == 7
    assert job.outcomes.runtime[0] >= 0
    assert job.outcomes.started[0] > 1e9


def test_a_map_of_tiny_jobs_comes_back_complete_and_in_order(cloud: Dispatcher) -> None:
    jobs = cloud.finish(cloud.map(lambda x: x * 2, range(10_000)))
    assert [job.result for job in jobs] == list(range(0, 20_000, 2))


def test_outcomes_of_a_claim_ascend(cloud: Dispatcher) -> None:
    submission = cloud.map(lambda x: x, range(3000))
    seen: dict[int, int] = {}

    def done() -> bool:
        return len(cloud.ended) == 3000

    while not done():
        for event in cloud.tick():
            if not isinstance(event, Finished):
                continue  # a worker that was slower than expected gave some back
            assert event.outcomes.lo >= seen.get(event.cid, 0)
            seen[event.cid] = event.outcomes.hi
        cloud.feed()
    assert submission.count == 3000


def test_large_results_become_blobs_and_large_arguments_come_from_them(cloud: Dispatcher) -> None:
    array = np.arange(300_000, dtype=float)

    def double(a: Any) -> Any:
        a *= 2  # mapped privately: writable, and nobody else sees it
        return a

    jobs = cloud.finish(cloud.map(double, [array, array + 1], chunk=2))
    for job, expected in zip(jobs, (array * 2, (array + 1) * 2), strict=True):
        assert job.status == Status.DONE, job.text("error")
        ref = job.outcomes.blobs[job.index]
        assert ref.name == f"results/{job.outcomes.sid}/{job.index}-1"
        assert (loads(cloud.blobs.read(ref.name)) == expected).all()


def test_a_large_function_comes_from_a_blob(cloud: Dispatcher) -> None:
    table = os.urandom(200_000)
    (job,) = cloud.finish(cloud.call(lambda: len(table)))
    assert job.result == 200_000


def test_results_that_overflow_the_ring_all_arrive(cloud: Dispatcher) -> None:
    jobs = cloud.finish(cloud.map(lambda i: bytes([i % 256]) * 30_000, range(400)))
    assert all(job.result == bytes([i % 256]) * 30_000 for i, job in enumerate(jobs))


def test_a_missing_blob_is_an_error_of_its_jobs_alone(cloud: Dispatcher) -> None:
    submission = cloud.call(len, b"x" * 100_000)
    cloud.blobs.delete([f"args/{submission.sid}/0"])
    (job,) = cloud.finish(submission)
    assert job.status == Status.ERROR
    assert "blob store" in job.text("error")
    assert cloud.finish(cloud.call(len, b"yz"))[0].result == 2


def test_a_full_disk_is_an_error_of_the_job_that_filled_it(cloud: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, fd: int) -> None:
        raise StoreFull("no space left on the disk")

    monkeypatch.setattr(cloud.blobs, "adopt", full)
    jobs = cloud.finish(cloud.map(lambda n: b"x" * n, [10, 100_000, 20]))
    assert [job.status for job in jobs] == [Status.DONE, Status.ERROR, Status.DONE]
    assert "no space left" in jobs[1].text("error")


def test_an_error_carries_the_users_traceback_and_the_exception(cloud: Dispatcher) -> None:
    def inner() -> None:
        raise KeyError("nothing here")

    def outer(x: int) -> None:
        try:
            inner()
        except KeyError as error:
            raise ValueError("outer failed") from error

    (job,) = cloud.finish(cloud.call(outer, 1))
    assert job.status == Status.ERROR
    text = job.text("error")
    assert "KeyError: 'nothing here'" in text
    assert "direct cause" in text
    assert text.rstrip().endswith("ValueError: outer failed")
    assert "in outer" in text
    assert "runner" not in text
    error = loads(job.outcomes.bytes_of("exception", 0))
    assert type(error) is ValueError
    assert error.args == ("outer failed",)


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_any_base_exception_is_an_outcome_and_the_worker_survives(cloud: Dispatcher, code: str) -> None:
    def misbehave(_: int) -> None:
        exec(code)

    def pid(_: int) -> int:
        return os.getpid()

    before = cloud.finish(cloud.call(pid, 0))[0].result
    (job,) = cloud.finish(cloud.call(misbehave, 0))
    assert job.status == Status.ERROR
    assert code.split()[1].split("(")[0] in job.text("error")
    assert cloud.finish(cloud.call(pid, 0))[0].result == before


def test_an_unpicklable_result_is_an_error_that_names_it(cloud: Dispatcher) -> None:
    (job,) = cloud.finish(cloud.call(lambda: (i for i in range(3))))
    assert job.status == Status.ERROR
    assert "The result, a generator, could not be pickled" in job.text("error")


def test_an_exception_that_cannot_travel_leaves_its_text(cloud: Dispatcher) -> None:
    def fail() -> None:
        raise ValueError("odd", (i for i in range(3)))

    (job,) = cloud.finish(cloud.call(fail))
    assert job.status == Status.ERROR
    assert "ValueError: ('odd', <generator" in job.text("error")
    assert job.outcomes.bytes_of("exception", 0) == b""


def test_a_function_that_cannot_be_opened_names_the_missing_module(cloud: Dispatcher) -> None:
    import types

    module = types.ModuleType("module_that_is_only_here")
    exec("def f(): return 1", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        submission = cloud.call(module.f)
    finally:
        del sys.modules[module.__name__]
    (job,) = cloud.finish(submission)
    assert job.status == Status.ERROR
    text = job.text("error")
    assert text.startswith("Could not depickle job: there is no module named 'module_that_is_only_here'")


def test_very_long_errors_are_bounded(cloud: Dispatcher) -> None:
    def fail() -> None:
        raise ValueError("x" * 5_000_000)

    (job,) = cloud.finish(cloud.call(fail))
    assert job.status == Status.ERROR
    assert "characters left out" in job.text("error")
    assert len(job.text("error")) < 300_000


def test_a_profile_is_json_rows_and_text(cloud: Dispatcher) -> None:
    import json

    def work() -> int:
        return sum(len(str(i)) for i in range(1000))

    (job,) = cloud.finish(cloud.call(work, profile=True))
    profile = json.loads(job.text("extra"))["profile"]
    assert "cumulative" in profile["text"]
    row = next(r for r in profile["rows"] if r[2] == "work")
    assert row[3] == 1
    assert len(row) == 7
    names = [r[2] for r in profile["rows"]]
    called = {(names[caller], names[callee]): calls for caller, callee, calls, *_ in profile["edges"]}
    assert called["<genexpr>", "<built-in method builtins.len>"] == 1000
    assert profile["left_out"] == 0


def test_what_a_call_leaves_beside_its_result(cloud: Dispatcher) -> None:
    import json

    def spin() -> dict[str, list[int]]:
        import time

        end = time.process_time() + 0.06
        while time.process_time() < end:
            pass
        return {"a": [1, 2, 3]}

    (job,) = cloud.finish(cloud.call(spin))
    extra = json.loads(job.text("extra"))
    assert extra["result_repr"] == "{'a': [1, 2, 3]}"
    assert extra["cputime"]["user"] + extra["cputime"]["system"] > 0.05
    assert extra["memory"]["max_usage"] > 1 << 20


def test_the_memory_of_a_job_is_its_own_and_not_that_of_a_larger_one_before(cloud: Dispatcher) -> None:
    import json

    def fill(megabytes: int) -> int:
        import time

        held = b"x" * (megabytes << 20)
        time.sleep(0.051)  # the job sleeps: what a shorter one takes is not measured
        return len(held)

    jobs = [cloud.finish(cloud.map(fill, [size]))[0] for size in (100, 1)]
    large, small = (json.loads(job.text("extra"))["memory"]["max_usage"] for job in jobs)
    assert large > 100 << 20
    assert small < large - (50 << 20)


def test_an_error_of_any_length_is_told(cloud: Dispatcher) -> None:
    def shout() -> None:
        raise ValueError("\N{GRINNING FACE}" * 400_000)

    (job,) = cloud.finish(cloud.call(shout))
    assert job.status == Status.ERROR
    assert "ValueError" in job.text("error")


def test_tiny_jobs_of_a_map_leave_nothing_beside_their_results(cloud: Dispatcher) -> None:
    jobs = cloud.finish(cloud.map(lambda x: x, range(2000)))
    assert sum(bool(job.text("extra")) for job in jobs) < 20


def test_variables_of_a_submission_are_set_for_its_jobs_alone(cloud: Dispatcher) -> None:
    def read(_: int) -> str | None:
        return os.environ.get("ONLY_HERE")

    assert cloud.finish(cloud.call(read, 0, os_env_vars={"ONLY_HERE": "yes"}))[0].result == "yes"
    assert cloud.finish(cloud.call(read, 0))[0].result is None


def surroundings(directory: Path, **changes: Any) -> Environment:
    path = tuple(p for p in sys.path if p)
    return Environment(
        HERE.cache_tag, MACHINE, sys.executable, changes.pop("path", path), str(directory), changes.pop("variables", {})
    )


def test_a_job_runs_in_its_clients_directory_with_its_search_path_and_variables(
    cloud: Dispatcher, tmp_path: Path
) -> None:
    (tmp_path / "only_in_this_folder.py").write_text("VALUE = 42")
    environment = surroundings(
        tmp_path, path=(str(tmp_path), *[p for p in sys.path if p]), variables={"VIRTUAL_ENV": "/somewhere"}
    )

    def look() -> tuple[str, int, str | None]:
        import only_in_this_folder  # type: ignore[import-not-found]

        return os.getcwd(), only_in_this_folder.VALUE, os.environ.get("VIRTUAL_ENV")

    (job,) = cloud.finish(cloud.call(look, environment=environment))
    assert job.result == (str(tmp_path), 42, "/somewhere")


def test_a_job_from_elsewhere_gets_a_fresh_directory_that_goes_with_its_worker(cloud: Dispatcher) -> None:
    def here() -> str:
        with open("scratch", "w"):
            return os.getcwd()

    directory = cloud.finish(cloud.call(here))[0].result
    assert directory.startswith(tempfile.gettempdir())
    assert directory != os.getcwd()
    cloud.engine.abandon()
    assert not os.path.exists(directory)


def test_workers_are_not_shared_between_accounts_or_environments(cloud: Dispatcher, tmp_path: Path) -> None:
    def pid() -> int:
        return os.getpid()

    first = cloud.finish(cloud.call(pid))[0].result
    assert cloud.finish(cloud.call(pid))[0].result == first
    assert cloud.finish(cloud.call(pid, account=2))[0].result != first
    other = cloud.finish(cloud.call(pid, environment=surroundings(tmp_path)))[0].result
    assert other != first
    pids = {cloud.finish(cloud.call(pid, account=n))[0].result for n in range(3, 8)}
    assert len(pids) == 5
    cloud.until(lambda: cloud.engine.state().workers <= 3)


def test_kill_process_ends_the_worker_after_the_job(cloud: Dispatcher) -> None:
    def pid(_: int = 0) -> int:
        return os.getpid()

    pids = [job.result for job in cloud.finish(cloud.map(pid, range(6), kill_process=True))]
    assert len(set(pids)) == 6


def test_jobs_that_are_not_restartable_get_idle_workers_one_each(cloud: Dispatcher) -> None:
    cloud.finish(cloud.map(lambda x: x, range(1000)))
    submission = cloud.map(lambda x: x, range(100), restartable=False)
    seats = cloud.engine.offer(Wanted(submission, 0, 100))
    assert [seat.jobs for seat in seats] == [1, 1]
    assert len({seat.worker for seat in seats}) == 2
    assert len(cloud.finish(submission)) == 100


def test_a_job_with_many_cores_takes_that_many_slots(cloud: Dispatcher) -> None:
    wide = cloud.map(lambda x: x, range(2), cores=8)
    assert len(cloud.engine.offer(Wanted(wide, 0, 2))) == 1
    cloud.finish(wide)


def test_a_function_of_another_python_is_refused(cloud: Dispatcher) -> None:
    spec = Spec("call", "0" * 64, "f", Environment("cpython-27"))
    assert "cpython-27" in (cloud.engine.refuse(spec) or "")
    assert cloud.engine.refuse(Spec("call", "0" * 64, "f", HERE)) is None


def test_the_queue_behind_a_long_job_goes_to_others(cloud: Dispatcher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    def now_and_then(i: int) -> int:
        if i == 4000:
            with open(gate) as file:
                file.read()
        return i

    cloud.finish(cloud.map(lambda i: i, range(100)))
    warm = cloud.map(now_and_then, range(3000))
    cloud.finish(warm)
    submission = cloud.map(now_and_then, range(3000, 9000))
    everything_else = {(submission.sid, i) for i in range(6000) if i != 1000}
    cloud.until(lambda: everything_else <= cloud.ended.keys())
    assert (submission.sid, 1000) not in cloud.ended
    with open(gate, "w"):
        pass
    assert cloud.finish(submission)[1000].result == 4000


def test_every_job_of_a_dropped_worker_is_reported_exactly_once(cloud: Dispatcher) -> None:
    submission = cloud.map(functools.partial(pow, 2), range(2000))
    assert [job.result for job in cloud.finish(submission)] == [2**i for i in range(2000)]
    assert cloud.returned == 0 or cloud.claims


def test_the_port_is_kept(cloud: Dispatcher) -> None:
    engine: Engine = cloud.engine
    assert isinstance(engine.fileno(), int)
    assert engine.poll() == []
    assert HERE.cache_tag in engine.state().interpreters


def test_a_worker_that_ran_very_many_jobs_gives_way_to_another(
    cloud: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it shares with its agent has no room for numbers without end."""
    monkeypatch.setattr(worker, "LAST_SEQ", 5)
    pids = [cloud.finish(cloud.call(os.getpid))[0].result for _ in range(20)]
    assert len(set(pids)) >= 4
    assert all(pids.count(pid) <= 5 for pid in pids)
