"""`Job` and `Jobs`: integers and ranges in every respect, with methods."""

import json
import pickle
import re
import threading

import pytest

from cloud.client import sessions
from cloud.client.jobs import Job, Jobs
from cloud.client.session import Session
from cloud.errors import JobNotFound
from tests.support.scripted_api import ScriptedApi


def square(x: int) -> int:
    return x * x


def test_a_job_is_its_jid(busy: Session) -> None:
    job = busy.call(square, 3)
    assert job == 1
    assert {1: "x"}[job] == "x"
    assert str(job) == "1"
    assert f"{job} {job:03d} {job:>4}" == "1 001    1"
    assert "%d %s" % (job, job) == "1 1"  # noqa: UP031 (old code does it)
    assert json.dumps([job, {"jid": job}]) == '[1, {"jid": 1}]'
    assert repr(job) == "<Job 1 square>"
    assert job.jid.__class__ is int


def test_a_job_has_the_methods_of_its_cloud(api: ScriptedApi, session: Session) -> None:
    job = session.call(square, 3)
    assert job.status == "queued"
    api.run(job)
    job.join()
    assert (job.result(timeout=60), job.status) == (9, "done")
    assert job.stdout == "out\n"
    assert job.info("runtime") == {"runtime": 1.5}
    other = session.call(square, 3)
    other.kill()
    assert other.status == "killed"
    other.delete()
    assert other not in api.jobs


def test_a_repr_never_touches_the_network() -> None:
    def refuse() -> ScriptedApi:
        raise AssertionError("opened")

    session = Session(refuse)
    assert repr(Job(17, "", "f", session)) == "<Job 17 f>"
    assert repr(Jobs(range(1, 3), "", "f\x1b[31m", session)) == "<Jobs 1..2 of f?[31m>"
    assert Job(17, "", "<lambda>", session)._repr_html_() == "<div><b>Job 17</b> <code>&lt;lambda&gt;</code></div>"
    assert "1,000 jobs" in Jobs(range(1, 1001), "", "f", session)._repr_html_()


def test_in_a_notebook_an_open_cloud_is_asked_once_and_nothing_is_raised(
    api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = session.map(square, range(4))
    api.run(jobs[0])
    api.fail(jobs[1], "why")
    assert '<progress max="4" value="2"' in jobs._repr_html_()
    assert "1/4 done · 1 failed · 2 queued" in jobs._repr_html_()
    assert "1/2 done · 1 queued" in jobs[::2]._repr_html_()
    assert jobs[0]._repr_html_().endswith(">done</span></div>")
    assert jobs[2]._repr_html_().endswith(" queued</div>")
    assert jobs[:0]._repr_html_() == "<div><b>0 jobs</b> none <code>square</code></div>"
    for broken in (OSError, JobNotFound):
        monkeypatch.setattr(api, "counts", lambda jids, broken=broken: (_ for _ in ()).throw(broken("gone")))
        assert "4 jobs" in jobs._repr_html_()
    assert "deleted" in jobs[0]._repr_html_()
    with pytest.raises(NotImplementedError):  # IPython on a terminal shows the text
        jobs._ipython_display_()


def test_a_notebook_does_not_wait_long_for_a_cloud_that_is_silent(
    api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = session.call(square, 1)
    silent = threading.Event()
    monkeypatch.setattr("cloud.client.showing.PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(api, "counts", lambda jids: silent.wait(10) and {})
    assert job._repr_html_() == "<div><b>Job 1</b> <code>square</code></div>"
    silent.set()


def test_jobs_stand_for_their_range(busy: Session) -> None:
    jobs = busy.map(square, range(1000))
    assert jobs == range(1, 1001)
    assert range(1, 1001) == jobs
    assert jobs == list(range(1, 1001))
    assert jobs != [1, 2]
    assert jobs != "x"
    assert hash(jobs) == hash(range(1, 1001))
    assert (len(jobs), jobs[0], jobs[-1], 5 in jobs, 2000 in jobs) == (1000, 1, 1000, True, False)
    assert jobs.index(7) == 6
    assert (jobs.count(7), jobs.count(0)) == (1, 0)
    assert isinstance(jobs[3], Job)
    assert jobs[3].result() == 9
    assert jobs[2:5].result() == [4, 9, 16]
    assert list(jobs[:2].iresult()) == [0, 1]
    assert json.dumps(list(jobs[:2])) == "[1, 2]"
    assert repr(jobs) == "<Jobs 1..1000 of square>"
    assert repr(jobs[::10]) == "<Jobs 1..991 step 10 of square>"
    assert repr(jobs[:1]) == "<Jobs 1 of square>"
    assert jobs[:2].status == ["done", "done"]
    assert jobs[:2].stdout == ["out\n"] * 2


def test_handles_come_out_of_a_pickle_and_find_their_cloud_again(busy: Session) -> None:
    before = sessions.activate(busy)
    try:
        job = pickle.loads(pickle.dumps(busy.call(square, 3)))
        jobs = pickle.loads(pickle.dumps(busy.map(square, range(3))))
        assert (repr(job), job.result()) == ("<Job 1 square>", 9)
        assert (jobs == range(2, 5), jobs.result()) == (True, [0, 1, 4])
    finally:
        sessions.activate(before)


def test_a_handle_of_an_unknown_cloud_says_so() -> None:
    from cloud.errors import CloudException

    with pytest.raises(CloudException, match="no cloud of kind 'elsewhere'"):
        Job(1, "elsewhere").result()


def test_a_handle_of_another_cloud_is_refused_where_its_number_means_another_job(busy: Session) -> None:
    pool = Session(lambda: ScriptedApi(at_once=True), "mp", where="cloud.mp")
    job, jobs = pool.call(square, 3), pool.map(square, range(3))
    for foreign in (job, jobs, [1, job], [jobs]):
        with pytest.raises(ValueError, match=r"belongs to cloud\.mp, not to cloud: use its own methods"):
            busy.result(foreign)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"cloud\.call: _depends_on: <Job 1 square> belongs to cloud\.mp"):
        busy.call(square, 1, _depends_on=job)
    assert pool.result([job, *jobs]) == [9, 0, 1, 4]
    pool.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [("get", "result()"), ("cancel", "kill()"), ("done", "status"), ("add_done_callback", "_callback")],
)
def test_names_that_other_libraries_have_lead_to_ours(busy: Session, name: str, told: str) -> None:
    for handle in (busy.call(square, 3), busy.map(square, [3])):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}': .*{re.escape(told)}"):
            getattr(handle, name)


def test_names_that_nobody_has_are_errors_as_everywhere(busy: Session) -> None:
    with pytest.raises(AttributeError, match=r"^'Job' object has no attribute 'stats'$"):
        busy.call(square, 3).stats  # type: ignore[attr-defined]
    assert not hasattr(busy.map(square, [1]), "__array__")
