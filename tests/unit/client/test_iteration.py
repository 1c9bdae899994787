"""`iresult` and `iresult_unordered`: order, errors in their place, deadlines, bounded fetching."""

import threading

import pytest

from cloud.client import iteration
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError, JobNotFound
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


def test_results_come_in_order_while_other_jobs_still_run(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x * x, range(4))
    results = session.iresult(jobs)
    api.run(jobs[0], jobs[2])
    assert next(results) == 0
    api.run(jobs[1])
    assert next(results) == 1
    assert next(results) == 4
    thread = threading.Thread(target=api.run, args=(jobs[3],))
    thread.start()
    assert next(results) == 9
    thread.join()
    with pytest.raises(StopIteration):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_nothing_is_asked_before_the_first_step(api: ScriptedApi, session: Session) -> None:
    session.iresult(session.map(abs, range(3)))
    assert api.asked == []


def test_an_error_is_raised_in_its_place_and_the_iterator_goes_on(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: 10 // (x - 1), range(3))
    api.run(*jobs)
    results = session.iresult(jobs)
    assert next(results) == -10
    with pytest.raises(JobError, match="ZeroDivisionError"):
        next(results)
    assert next(results) == 10
    good, bad, also_good = session.iresult(jobs, ignore_errors=True)
    assert (good, also_good) == (-10, 10)
    assert isinstance(bad, CloudException)


def test_after_a_timeout_the_late_result_can_be_had(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(2))
    results = session.iresult(jobs, timeout=0.001)
    with pytest.raises(CloudTimeoutError, match=r"cloud\.iresult timed out") as raised:
        next(results)
    assert raised.value.jid == [1]
    api.run(*jobs)
    assert list(results) == [0, 1]


def test_a_step_may_have_a_timeout_of_its_own(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(2))
    results = session.iresult(jobs)
    with pytest.raises(CloudTimeoutError):
        results.next(0.001)
    with pytest.raises(CloudTimeoutError):
        results.next(timeout=0.001)
    with pytest.raises(TypeError, match="timeout must be"):
        results.next("1")  # type: ignore[arg-type]
    api.run(*jobs)
    assert [results.next(5), results.next(None)] == [0, 1]


def test_a_deleted_job_is_an_error_in_its_place(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    api.run(*jobs)
    session.delete(jobs[1])
    results = session.iresult(jobs)
    assert next(results) == 0
    with pytest.raises(JobNotFound):
        next(results)
    assert next(results) == 2


def test_thousands_of_finished_jobs_take_few_requests(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(10_000))
    api.run(*jobs)
    assert list(session.iresult(jobs)) == list(range(10_000))
    assert len(api.asked) < 10


def test_while_the_next_is_unfinished_the_others_are_not_asked_for_again_and_again(
    api: ScriptedApi, session: Session
) -> None:
    jobs = session.map(lambda x: x, range(100))
    results = session.iresult(jobs)
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.append(next(results)))
    thread.start()
    for jid in reversed(jobs):
        api.run(jid)
    thread.join()
    assert first == [0]
    assert len(api.asked) <= 4
    assert list(results) == list(range(1, 100))


def test_results_that_came_early_do_not_pile_up(
    api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iteration, "HELD_BYTES", 1000)
    jobs = session.map(lambda x: b"%d" % x * 500, range(20))
    api.run(*jobs[1:])
    thread = threading.Thread(target=api.run, args=(jobs[0],))
    results = session.iresult(jobs)
    thread.start()
    assert [len(value) for value in results] == [500] * 10 + [1000] * 10
    thread.join()


def test_large_results_are_fetched_ahead_but_not_too_far(api: ScriptedApi, session: Session) -> None:
    """S9."""
    jobs = session.map(lambda x: bytes([x]) * 50_000, range(20))
    api.run(*jobs)
    results = session.iresult(jobs, num_in_parallel=3)
    assert next(results)[0] == 0

    def read() -> int:
        return sum(op == "read" for op, _ in api.asked)

    eventually(lambda: read() == 4, what="the one that was taken and three ahead")
    assert [value[0] for value in results] == list(range(1, 20))
    assert read() == 20


@pytest.mark.parametrize(("number", "means"), [(0, 1024), (-1, 1024), (5000, 1024), (1, 1), (7, 7)])
def test_num_in_parallel_is_bounded(number: int, means: int) -> None:
    """S9: 0 is the maximum of the system, 1024."""
    assert iteration.read_in_parallel(number, "cloud.iresult") == means


def test_num_in_parallel_must_be_an_integer(session: Session) -> None:
    with pytest.raises(TypeError, match="num_in_parallel must be an integer"):
        session.iresult([1], num_in_parallel="4")  # type: ignore[arg-type]


def test_jids_may_be_in_any_order_and_repeat(busy: Session) -> None:
    busy.map(lambda x: x, range(5))
    assert list(busy.iresult([5, 1, range(2, 4), 5])) == [4, 0, 1, 2, 4]


def test_unordered_results_come_as_they_finish(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x * x, range(3))
    pairs = session.iresult_unordered(jobs)
    api.run(jobs[2])
    assert next(pairs) == (3, 4)
    api.run(jobs[0])
    assert next(pairs) == (1, 0)
    api.run(jobs[1])
    assert list(pairs) == [(2, 1)]


def test_unordered_results_leave_failed_jobs_out_unless_errors_are_wanted(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: 1 // x, range(2))
    api.run(*jobs)
    assert list(session.iresult_unordered(jobs)) == [(2, 1)]
    with_errors = dict(session.iresult_unordered(jobs, ignore_errors=True))
    assert isinstance(with_errors[jobs[0]], JobError)
