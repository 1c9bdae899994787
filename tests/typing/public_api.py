"""Read by the type checker only: what users' own annotations may rely on."""

from collections.abc import Iterator
from typing import Any, assert_type

import cloud
from cloud.client.jobs import Job, Jobs


def square(x: int) -> int:
    return x * x


def everything_has_a_type() -> None:
    job = cloud.call(square, 3, _label="x")
    jobs = cloud.map(square, range(3), (i for i in range(3)))
    assert_type(job, Job)
    assert_type(jobs, Jobs)
    assert_type(jobs[0], Job)
    assert_type(jobs[1:], Jobs)
    assert_type(cloud.status(job), str)
    assert_type(cloud.status(jobs), list[str])
    assert_type(cloud.status([1, range(2, 4)]), list[str])
    assert_type(cloud.info(jobs, ["stdout"]), dict[int, dict[str, Any]])
    assert_type(cloud.connection_info(), dict[str, Any])
    assert_type(cloud.close(), bool)
    assert_type(cloud.finished_statuses, list[str])
    assert_type(job.status, str)
    assert_type(jobs.status, list[str])
    number: int = job
    results: Iterator[Any] = cloud.iresult(jobs, timeout=1.5, num_in_parallel=0)
    cloud.join(jobs, timeout=None, ignore_errors=True)
    assert_type(cloud.output(job), str)
    assert_type(cloud.output(job, "stderr", follow=True), Iterator[str])
    assert_type(cloud.why(job), str)
    assert_type(job.why(), str)
    assert_type(cloud.rerun(job), Job)
    assert_type(cloud.rerun(jobs), Jobs)
    assert_type(cloud.rerun([1, range(2, 4)]), Jobs | list[Jobs])
    assert_type(job.rerun(), Job)
    assert_type(jobs.rerun(), Jobs)
    assert_type(job.output(), str)
    assert_type(cloud.stack(job), str)
    assert_type(job.stack(), str)
    assert_type(job.output(follow=True), Iterator[str])
    cloud.kill()
    cloud.kill(number, force=True)
    cloud.delete(jobs)
    for found, _value in cloud.iresult_unordered(jobs):
        assert_type(found, Job)
    error: cloud.CloudException = cloud.CloudTimeoutError()
    print(results, error)


async def handles_can_be_awaited() -> None:
    assert_type(await cloud.map(square, [1]), list[Any])
    print(await cloud.call(square, 1))
    job = await cloud.aio.call(square, 1)
    assert_type(job, Job)
    assert_type(await cloud.mp.aio.map(square, [1]), Jobs)
    assert_type(await cloud.aio.status(job), str)
    assert_type(await cloud.aio.status([job]), list[str])
    async for found, _value in cloud.aio.iresult_unordered([job]):
        assert_type(found, Job)
    async for value in cloud.aio.iresult(job, ignore_errors=True):
        print(value)
    cloud.join(job, progress=False)
