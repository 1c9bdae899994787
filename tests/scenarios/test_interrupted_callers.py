"""Ctrl-C in a program that uses a core in process, at any moment: the core goes on as if nothing had been."""

import os
import signal
from collections.abc import Iterator, Sequence

import pytest

from cloud.client.session import Session
from cloud.dispatch.ports import Work
from cloud.local import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(slots=1)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _python_handles_sigint() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_job_that_was_claimed_when_its_caller_was_interrupted_runs(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(lambda: pool, "mp", local=True)
    start = pool.core.engine.start

    def interrupted(work: Sequence[Work]) -> None:
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        start(work)

    monkeypatch.setattr(pool.core.engine, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.call(len, "four")
    (sid,) = pool.core.store.of_account(1, unfinished=False)
    submission = pool.core.store.submission(sid)
    assert submission is not None
    assert session.result(submission.jids[0]) == 4
    assert session.result(session.call(len, "other")) == 5
