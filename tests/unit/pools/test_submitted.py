"""What a pool remembers of its jobs stays small, and deleted ones are nobody's concern."""

from cloud.client.session import Session
from cloud.model import Status
from cloud.pools.submitted import Submitted, unstarted_of
from tests.support.scripted_api import ScriptedApi


def test_a_million_neighbours_are_one_range(session: Session) -> None:
    submitted = Submitted(session)
    for start in range(0, 1_000_000, 100):
        submitted.add(range(start, start + 100))
    assert submitted.all() == (range(1_000_000),)


def test_finished_ones_are_forgotten_when_there_are_many(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(abs, range(3000))
    api.run(*jobs)
    api.jobs[1].status = Status.QUEUED
    session.delete([3, 5])
    submitted = Submitted(session)
    for jid in range(1, 3000, 2):
        submitted.add(range(jid, jid + 1))
    assert submitted.all()[0] == range(1, 2)
    assert len(submitted.all()) < 1001


def test_deleted_jobs_stop_neither_waiting_nor_killing(api: ScriptedApi, session: Session) -> None:
    jobs = session.map(abs, range(6))
    submitted = Submitted(session)
    submitted.add(jobs.as_range)
    session.delete([2, 5])
    api.jobs[1].status = Status.PROCESSING
    api.run(6)
    assert unstarted_of(session, submitted.all()) == (range(3, 5),)
    assert submitted.kill_unstarted() == (range(3, 5),)
    assert session.status(1) == "processing"
    submitted.kill()
    assert session.status(1) == "killed"
    submitted.wait()
    assert submitted.all() == ()
