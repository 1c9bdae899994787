"""What is printed when a job fails: the user's lines, which job, which attempt, where; and hardly a line of ours."""

import os
import signal
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

import cloud.mp
from cloud.errors import CloudTimeoutError, JobError


@pytest.fixture(scope="module", autouse=True)
def _processes_end_with_the_tests() -> Iterator[None]:
    yield
    cloud.mp.close()


def divide(a: int, b: int) -> float:
    return a / b


def work(x: int) -> float:
    try:
        return divide(10, x)
    except ZeroDivisionError as error:
        raise ValueError(f"no good: {x}") from error


def nested() -> Any:
    import cloud.mp

    return cloud.mp.result(cloud.mp.call(work, 0))


def printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def own_frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.filename for frame in frames if f"{os.sep}cloud{os.sep}" in frame.filename]


def test_the_users_source_lines_and_the_jobs_circumstances_are_printed() -> None:
    jobs = cloud.mp.map(work, [1, 0, 2])
    with pytest.raises(JobError) as raised:
        jobs.result()
    text = printed(raised.value)
    assert "return a / b" in text
    assert 'raise ValueError(f"no good: {x}") from error' in text
    assert "ZeroDivisionError: division by zero" in text
    assert text.count(f'File "{__file__}", line ') == 4, "the user's own path, wherever the copy was that ran"
    line = work.__code__.co_firstlineno
    assert (
        text.splitlines()[-1] == f"Job {jobs[1]} (work at {__file__}:{line}) failed on {os.uname().nodename}, attempt 1"
    )
    assert isinstance(raised.value.__cause__, ValueError)
    assert cloud.mp.info(jobs[1], "machine") == {jobs[1]: {"machine": os.uname().nodename}}


@pytest.mark.parametrize("how", ["result", "join", "handle", "iresult"])
def test_no_more_than_one_frame_of_ours_is_between_the_users_line_and_the_error(how: str) -> None:
    job = cloud.mp.call(work, 0)
    with pytest.raises(JobError) as raised:
        if how == "handle":
            job.result()
        elif how == "iresult":
            list(cloud.mp.iresult(job))
        else:
            getattr(cloud.mp, how)(job)
    assert len(own_frames(raised.value)) == 1
    assert len(raised.value.__notes__) == 1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_attempts_that_were_lost_are_told_once() -> None:
    with pytest.raises(JobError) as raised:
        cloud.mp.call(die).result()
    (note,) = raised.value.__notes__
    assert ", attempt 4 (1, 2, 3 lost: the worker was killed by signal 9" in note
    assert note.count("signal 9") == 1


def test_a_job_that_waits_for_a_failed_one_tells_both_stories_without_frames_of_ours() -> None:
    job = cloud.mp.call(nested)
    with pytest.raises(JobError) as raised:
        job.result()
    text = raised.value.parameter
    assert "return cloud.mp.result(cloud.mp.call(work, 0))" in text
    assert "return a / b" in text
    assert f"{os.sep}cloud{os.sep}client{os.sep}" not in text
    assert text.rstrip().endswith("ValueError: no good: 0")
    assert f"(nested at {__file__}:" in printed(raised.value)


def test_an_error_that_is_not_about_a_job_keeps_its_frames_and_a_timeout_does_not() -> None:
    import time

    job = cloud.mp.call(time.sleep, 60)
    with pytest.raises(CloudTimeoutError) as raised:
        job.result(timeout=0.01)
    assert len(own_frames(raised.value)) == 1
    job.kill(force=True)
    with pytest.raises(JobError, match="Killed"):
        job.result()


def deeply(n: int) -> Any:
    return work(0) if n == 0 else cloud.mp.result(cloud.mp.call(deeply, n - 1))


def test_a_failure_at_the_bottom_of_jobs_that_wait_for_jobs_is_told_once() -> None:
    with pytest.raises(JobError) as raised:
        cloud.mp.call(deeply, 3).result()
    text = raised.value.parameter
    assert text.count("return a / b") == 1
    assert text.count("ValueError: no good: 0") == 1
    assert text.count(", in deeply") == 4, "the way there, each step once"
    assert text.endswith("ValueError: no good: 0\n"), "and no empty line for each"


def result_that_stays() -> Any:
    yield 1


def test_why_and_the_log_say_what_was_wrong_with_a_result(caplog: pytest.LogCaptureFixture) -> None:
    job = cloud.mp.call(result_that_stays)
    with pytest.raises(JobError) as raised:
        job.result()
    said = "The result, a generator, could not be pickled: _pickle.PicklingError: a generator cannot be pickled"
    assert said in cloud.mp.why(job)
    assert said in caplog.text
    assert raised.value.parameter.count("a list of what it yields") == 2, "in words, and where in the trace"
