"""`cloud.rerun` and `cloud.why` as users call them: which handles come back, and what is refused."""

from collections.abc import Iterator

import pytest

from cloud.client.jobs import Job, Jobs
from cloud.client.session import Session
from cloud.errors import JobNotFound
from cloud.simulator import InlinePool
from tests.support.scripted_api import ScriptedApi


def square(x: int) -> int:
    return x * x


@pytest.fixture
def session() -> Session:
    api = ScriptedApi(at_once=True)
    return Session(lambda: api)


@pytest.fixture
def inline() -> Iterator[Session]:
    session = Session(InlinePool)
    yield session
    session.close()


def test_a_job_gives_a_job(session: Session) -> None:
    job = session.call(square, 3)
    for again in (job.rerun(), session.rerun(job), session.rerun(int(job))):
        assert isinstance(again, Job)
        assert again > job
    assert repr(job.rerun()) == f"<Job {int(again) + 1} square>"


def test_jobs_of_a_map_give_jobs(session: Session) -> None:
    jobs = session.map(square, range(5))
    again = jobs.rerun()
    assert isinstance(again, Jobs)
    assert again == range(6, 11)
    assert session.rerun(jobs[1:3]) == range(11, 13)
    assert session.rerun([jobs[4], jobs[0], jobs[4]]) == range(13, 15)
    assert repr(jobs[:2].rerun()) == "<Jobs 15..16 of square>"


def test_jobs_of_several_submissions_give_a_list_of_jobs(session: Session) -> None:
    first, second = session.map(square, range(2)), session.call(square, 1)
    assert session.rerun([first.as_range, second]) == [range(4, 6), range(6, 7)]
    assert Jobs(range(1, 4), session=session).rerun() == range(7, 10)


def test_nothing_gives_nothing(session: Session) -> None:
    assert session.rerun([]) == []
    assert session.map(square, []).rerun() == range(0)


def test_why_is_of_one_job(session: Session) -> None:
    jobs = session.map(square, range(2))
    assert session.why(jobs[0]) == jobs[0].why() == "It is done."
    with pytest.raises(TypeError, match=r"cloud\.why takes one jid, not several"):
        session.why(jobs)  # type: ignore[arg-type]
    with pytest.raises(JobNotFound):
        session.why(99)


def test_inline_jobs_run_again_in_the_call(inline: Session) -> None:
    seen: list[int] = []
    jobs = inline.map(seen.append, range(3))
    again = jobs[1:].rerun()
    assert again.status == ["done", "done"]
    assert jobs[2].why().startswith("It is done")
    assert inline.info(again, "args") == {again[0]: {"args": (1,)}, again[1]: {"args": (2,)}}
