"""`join`, `result`, `status`, `kill`, `delete`: values, orders, errors and deadlines."""

import threading
import traceback
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError, JobNotFound
from cloud.model import Status
from tests.support.scripted_api import ScriptedApi
from tests.support.waiting import eventually


def in_thread(function: Any, *args: Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def test_one_jid_gives_a_value_and_several_a_list_in_their_order(busy: Session) -> None:
    jobs = busy.map(lambda x: x * 10, range(5))
    assert busy.result(int(jobs[3])) == 30
    assert busy.result([int(jobs[3])]) == [30]
    assert busy.result([jobs[4], jobs[0], jobs[4]]) == [40, 0, 40]
    assert busy.result(jobs[::-2]) == [40, 20, 0]
    assert busy.result([jobs[0], range(2, 4)]) == [0, 10, 20]
    assert busy.result(iter(jobs[:2])) == [0, 10]
    assert busy.result([]) == []
    busy.join([])


def test_each_reading_gives_a_fresh_copy(busy: Session) -> None:
    jid = busy.call(lambda: [1])
    busy.result(jid).append(2)
    one, two = busy.result([jid, jid])
    assert one == two == [1]
    assert one is not two


def test_a_result_may_be_anything_also_an_exception(busy: Session) -> None:
    value = busy.result(busy.call(lambda: CloudException("returned, not raised")))
    assert isinstance(value, CloudException)
    assert busy.result(busy.map(lambda x: None, range(3))) == [None] * 3


def test_large_results_are_read_as_blobs(busy: Session) -> None:
    assert busy.result(busy.map(lambda n: b"x" * n, [100_000, 10, 50_000])) == [b"x" * n for n in (100_000, 10, 50_000)]


def test_result_waits_until_the_last_job_is_finished(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    thread = in_thread(api.run, *reversed(jobs))
    assert session.result(jobs) == [0, 1, 2]
    thread.join()


def test_results_are_in_order_however_the_jobs_end(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    api.run(jobs[1], jobs[2])
    got: list[Any] = []
    thread = in_thread(lambda: got.append(session.result(jobs)))
    eventually(lambda: sum(op == "outcomes" for op, _ in api.asked) == 2)
    api.run(jobs[0])
    thread.join()
    assert got == [[0, 1, 2]]


def test_join_and_result_fail_as_soon_as_one_job_failed(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    api.fail(jobs[1], "Traceback: its text", ValueError("why"))
    for wait in (session.join, session.result):
        with pytest.raises(JobError, match=r"Job 2: Traceback: its text") as raised:
            wait(jobs)
        assert (raised.value.jid, raised.value.status) == (2, "error")
        assert repr(raised.value.__cause__) == "ValueError('why')"
    assert session.status(jobs) == ["queued", "error", "queued"]


def test_with_ignore_errors_failures_take_the_place_of_results(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    api.fail(jobs[1], "text")
    api.run(jobs[0], jobs[2])
    session.join(jobs, ignore_errors=True)
    first, second, third = session.result(jobs, ignore_errors=True)
    assert (first, third) == (0, 2)
    assert isinstance(second, JobError)
    assert isinstance(session.result(jobs[1], ignore_errors=True), CloudException)


@pytest.mark.parametrize(
    ("status", "message"),
    [(Status.STALLED, "Job 1: Could not start due to dependency erroring"), (Status.KILLED, "Job 1: Killed")],
)
def test_failures_without_a_traceback_say_why(api: ScriptedApi, session: Session, status: Status, message: str) -> None:
    jid = session.call(abs, 1)
    api.fail(jid, "", status=status)
    with pytest.raises(JobError, match=f"^{message}$") as raised:
        session.result(jid)
    assert raised.value.status == status.word
    assert raised.value.__cause__ is None


def test_an_exception_that_cannot_be_opened_leaves_its_text(api: ScriptedApi, session: Session) -> None:
    jid = session.call(abs, 1)
    api.jobs[jid].exception = b"\x80garbage"
    api.fail(jid, "the text")
    with pytest.raises(JobError, match="the text") as raised:
        session.result(jid)
    assert raised.value.__cause__ is None


def test_a_result_that_cannot_be_opened_is_an_error_with_its_cause(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(2))
    api.run(jobs[0])
    api.finish(jobs[1], b"\x80\x05cnowhere_at_all\nname\n.")
    with pytest.raises(CloudException, match=r"Job 2: its result cannot be opened here: ModuleNotFoundError") as raised:
        session.result(jobs)
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)
    assert session.result(jobs, ignore_errors=True)[0] == 0


def test_a_timeout_lists_the_unfinished_jobs(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(4))
    api.run(jobs[0], jobs[2])
    for wait, name in ((session.join, "join"), (session.result, "result")):
        with pytest.raises(CloudTimeoutError, match=f"cloud.{name} timed out") as raised:
            wait(jobs, timeout=0.001)
        assert raised.value.jid == [2, 4]
    with pytest.raises(CloudTimeoutError, match=r"^Job 2: cloud\.join timed out$"):
        session.join(jobs[1], timeout=0.001)


def test_timeout_zero_means_none(api: ScriptedApi, session: Session) -> None:
    jid = session.call(abs, -1)
    thread = in_thread(api.run, jid)
    assert session.result(jid, timeout=0) == 1
    thread.join()


@pytest.mark.parametrize(("timeout", "error"), [("5", TypeError), (True, TypeError), (-1, ValueError)])
def test_a_wrong_timeout_is_named(session: Session, timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"cloud\.join: timeout must"):
        session.join(1, timeout)


@pytest.mark.parametrize("jids", ["3", b"3", None, True, [True], 1.5, ["3"], [None], [[1]], {"a": 1}])
def test_what_is_no_jid_is_a_type_error(session: Session, jids: Any) -> None:
    for function in (session.status, session.join, session.result, session.iresult, session.info, session.delete):
        with pytest.raises(TypeError, match=r"jid\(s\) must be integers"):
            function(jids)


def test_numpy_integers_are_jids(busy: Session) -> None:
    import numpy as np

    jobs = busy.map(lambda x: x, range(3))
    assert busy.result(np.int64(jobs[1])) == 1  # type: ignore[arg-type]
    assert busy.result(np.array([3, 1])) == [2, 0]


def test_an_unknown_jid_is_an_error_that_names_it(session: Session) -> None:
    for function in (session.status, session.join, session.result):
        with pytest.raises(JobNotFound, match="77"):
            function(77)


def test_statuses_are_words_in_order(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    api.run(jobs[2])
    api.fail(jobs[0], "")
    assert session.status(jobs) == ["error", "queued", "done"]
    assert session.status(jobs[2]) == "done"
    assert session.status([]) == []


def test_kill_without_jids_is_everything_and_of_none_is_nothing(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(lambda x: x, range(3))
    session.kill([])
    assert api.killed == []
    session.kill(jobs[1])
    session.kill()
    assert api.killed == [(range(2, 3),), None]
    assert session.status(jobs) == ["killed"] * 3


def test_deleted_jobs_are_gone(busy: Session) -> None:
    jobs = busy.map(lambda x: x, range(3))
    busy.delete([])
    busy.delete(jobs[1])
    with pytest.raises(JobNotFound):
        busy.result(jobs)
    assert busy.result(jobs[::2]) == [0, 2]


def test_many_jids_in_no_order_are_asked_for_as_ranges(busy: Session) -> None:
    jobs = busy.map(lambda x: x, range(5000))
    backwards = [int(jid) for jid in jobs][::-1]
    assert busy.result(backwards) == list(range(5000))[::-1]


@pytest.mark.parametrize(
    ("jids", "named"),
    [
        ([4], "Job 4"),
        (list(range(5, 100_000)), "Jobs 5..99999"),
        ([1, 2, 9], "Jobs 1..2 and 9"),
        ([1, 3, 5, 7, 8], "Jobs 1, 3, 5 and 2 others"),
        ([1, 3, 5, 7], "Jobs 1, 3, 5 and 1 other"),
        (7, "Job 7"),
    ],
)
def test_an_error_about_many_jobs_names_them_briefly_and_has_them_all(jids: Any, named: str) -> None:
    error = CloudTimeoutError("timed out", jid=jids)
    assert str(error) == f"{named}: timed out"
    assert error.jid == jids


@pytest.mark.parametrize(("jobs", "told"), [(1, "Job 1 goes on: cloud"), (3, "Jobs 1..3 that are not finished go on;")])
@pytest.mark.parametrize("how", ["join", "result", "iresult", "iresult_unordered"])
def test_whoever_interrupts_a_wait_is_told_that_the_jobs_go_on(
    api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch, how: str, jobs: int, told: str
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    waited_for = session.map(lambda x: x, range(jobs))
    monkeypatch.setattr(api, "durable", True, raising=False)
    monkeypatch.setattr(api, "wait", interrupted)
    monkeypatch.setattr(api, "outcomes", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        list(getattr(session, how)(waited_for) or [])
    assert raised.value.__notes__[0].startswith("Jobs that are not" if how == "iresult" else told)
    frames = traceback.extract_tb(raised.value.__traceback__)
    assert len([frame for frame in frames if "/cloud/client/" in frame.filename]) <= 1
