"""What users do, in each setting: `cloud.mp`, the server that starts by itself, one on PostgreSQL, one on a cluster."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, InvalidSubmission, JobError, JobNotFound
from tests.support.job_apis import OBJECTS, OVER_HTTP, session
from tests.support.waiting import eventually


@pytest.fixture(scope="module", params=["mp", *(name for name in OVER_HTTP if name != OBJECTS)])
def cloud(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session of each setting."""
    if request.param in OVER_HTTP:
        with session(request.param) as over_http:
            yield over_http
        return
    from cloud import mp

    yield mp._session
    mp._session.close()


def square(x: int) -> int:
    return x * x


class Particular(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} {two}")
        self.two = two


def test_one_call_and_a_map(cloud: Session) -> None:
    assert cloud.call(square, 7).result() == 49
    assert cloud.map(lambda x, y: (x, y), [1, 2, 3], [4]).result() == [(1, 4), (2, None), (3, None)]


def test_results_of_thousands_come_in_order(cloud: Session) -> None:
    jobs = cloud.map(lambda x: x * x, range(5000))
    assert list(cloud.iresult(jobs)) == [i * i for i in range(5000)]
    assert dict(cloud.iresult_unordered(jobs[:100])) == {jid: i * i for i, jid in enumerate(jobs[:100])}


def test_a_streamed_map_of_mixed_sizes(cloud: Session) -> None:
    sizes = [0, 10, 300_000, 5, 70_000, *range(1000), 2_000_000]
    jobs = cloud.map(lambda b: (len(b), b[:1] * len(b)), (bytes([n % 256]) * n for n in sizes))
    for n, (length, back) in zip(sizes, cloud.iresult(jobs, num_in_parallel=2), strict=True):
        assert (length, back) == (n, bytes([n % 256]) * n)


def test_arrays_travel_both_ways_and_stay_writable(cloud: Session) -> None:
    import numpy as np

    def add_one_in_place(array: Any) -> Any:
        array += 1
        return array

    array = np.arange(300_000, dtype="f8")
    result = cloud.call(add_one_in_place, array).result()
    assert (result == array + 1).all()
    result[0] = 7


def test_an_error_brings_the_remote_traceback_and_the_exception(cloud: Session) -> None:
    nothing: dict[str, int] = {}
    job = cloud.call(lambda: nothing["missing"])
    with pytest.raises(JobError, match=f"^Job {job}: Traceback") as raised:
        job.result()
    assert str(raised.value).endswith("KeyError: 'missing'\n")
    assert isinstance(raised.value.__cause__, KeyError)
    assert job.status == "error"
    assert "KeyError" in job.info("exception")["exception"]


def test_an_exception_whose_class_takes_other_arguments_than_it_keeps_is_the_cause(cloud: Session) -> None:
    def fail() -> None:
        raise Particular(1, 2)

    with pytest.raises(JobError, match="1 2") as raised:
        cloud.call(fail).result()
    assert isinstance(raised.value.__cause__, Particular)
    assert raised.value.__cause__.two == 2


def test_an_exception_that_cannot_travel_is_an_error_all_the_same(cloud: Session) -> None:
    def fail() -> None:
        raise ValueError(threading.Lock())

    with pytest.raises(JobError, match=r"ValueError: <unlocked _thread\.lock") as raised:
        cloud.call(fail).result()
    assert raised.value.__cause__ is None


def test_a_result_that_cannot_be_pickled_is_an_error_that_says_so(cloud: Session) -> None:
    with pytest.raises(JobError, match=r"cannot pickle '_thread\.lock' object"):
        cloud.call(threading.Lock).result()


def test_failed_dependencies_stall_unless_they_are_ignored(cloud: Session) -> None:
    bad = cloud.call(lambda: 1 // 0)
    stalled = cloud.map(square, range(2), _depends_on=bad)
    ignoring = cloud.call(square, 2, _depends_on=[bad], _depends_on_errors="ignore")
    with pytest.raises(JobError, match="Could not start due to dependency erroring") as raised:
        stalled.join()
    assert raised.value.status == "stalled"
    assert ignoring.result() == 4
    with pytest.raises(JobNotFound):
        cloud.call(square, 1, _depends_on=10**9)


def test_a_timeout_leaves_the_job_and_names_it(cloud: Session) -> None:
    job = cloud.call(time.sleep, 60)
    with pytest.raises(CloudTimeoutError) as raised:
        job.result(timeout=0.05)
    assert raised.value.jid == [job]
    with pytest.raises(InvalidSubmission):
        job.delete()
    job.kill()
    with pytest.raises(JobError, match=r"Killed|terminated") as killed:
        job.join(timeout=120)
    assert killed.value.status == "killed"
    job.delete()
    with pytest.raises(JobNotFound):
        _ = job.status


def test_output_times_and_arguments_are_in_info(cloud: Session) -> None:
    def speak(word: str, *, loud: bool) -> None:
        print(word)
        print(word.upper() if loud else word, file=sys.stderr)
        time.sleep(0.06)  # the job sleeps

    job = cloud.call(speak, "Output", loud=True, _label="spoken")
    job.join()
    assert cloud.info(job, ["stderr", "stdout"]) == {job: {"stderr": "OUTPUT\n", "stdout": "Output\n"}}
    assert (job.stdout, job.stderr) == ("Output\n", "OUTPUT\n")
    info = job.info(
        ["runtime", "created", "started", "finished", "args", "kwargs", "label", "function", "cputime.user"]
    )
    assert 0.06 <= info["runtime"] < 10
    assert info["created"] <= info["finished"]
    assert (info["args"], info["kwargs"], info["label"]) == (("Output",), {"loud": True}, "spoken")
    assert "speak at " in info["function"]
    assert job.info("all")["status"] == "done"


def test_a_profile_is_text(cloud: Session) -> None:
    job = cloud.call(lambda: sum(square(i) for i in range(100)), _profile=True)
    job.join()
    assert "square" in job.info("profile")["profile"]


def test_environment_variables_and_maximum_run_time(cloud: Session) -> None:
    assert cloud.call(lambda: os.environ["GIVEN"], _os_env_vars={"GIVEN": "yes"}).result() == "yes"
    assert cloud.call(lambda: os.environ.get("GIVEN")).result() is None
    job = cloud.call(time.sleep, 60, _max_runtime=0.002)
    with pytest.raises(JobError, match="_max_runtime") as raised:
        job.join(timeout=120)
    assert raised.value.status == "killed"


def test_callbacks_of_calls_and_maps(cloud: Session) -> None:
    heard: list[tuple[str, int]] = []
    good = cloud.call(square, 1, _callback=lambda jid: heard.append(("good", jid)))
    bad = cloud.call(lambda: 1 // 0, _callback_on_error=[lambda jid: heard.append(("bad", jid))])
    many = cloud.map(square, range(100), _callback=lambda jid: heard.append(("one of many", jid)))
    eventually(lambda: len(heard) == 102)
    assert sorted(heard) == [("bad", bad), ("good", good), *(("one of many", jid) for jid in many)]


def test_jobs_can_be_awaited_together(cloud: Session) -> None:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(cloud.call(square, i) for i in range(5)), cloud.map(square, range(3)))

    assert asyncio.run(all_of_them()) == [0, 1, 4, 9, 16, [0, 1, 4]]


def test_a_job_may_wait_for_jobs_by_handle(cloud: Session) -> None:
    """The handle finds its own cloud inside the job, also that of `cloud.mp`."""
    inner = cloud.map(square, range(5))

    def total(jobs: Any) -> int:
        return sum(jobs.result())

    assert cloud.call(total, inner).result() == 30


def test_a_generator_that_raises_leaves_no_jobs(cloud: Session) -> None:
    def items() -> Iterator[bytes]:
        yield from (os.urandom(200_000) for _ in range(30))
        raise ZeroDivisionError

    before = cloud.call(square, 1)
    with pytest.raises(ZeroDivisionError):
        cloud.map(len, items())
    assert cloud.call(square, 1) == before + 1


def test_wrong_arguments_are_refused_with_the_name_of_this_cloud(cloud: Session) -> None:
    with pytest.raises(TypeError, match=rf"^{cloud.where}\.call: _priority must be an integer, not 'high'"):
        cloud.call(square, 1, _priority="high")
    with pytest.raises(CloudException, match=rf"{cloud.where}\.map: item 1"):
        cloud.map(id, [1, threading.Lock()])


def test_functions_that_take_turns_are_each_the_one_that_runs(cloud: Session) -> None:
    for x in range(-8, 8):
        for function in (abs, abs, str, abs, str, str):
            assert cloud.result(cloud.call(function, x)) == function(x)
