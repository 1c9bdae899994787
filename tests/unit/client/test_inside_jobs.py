"""Waiting inside a job: the slot is lent out while it blocks, dead-locks are noticed, the pipe carries everything."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

import cloud
from cloud.client import connect, patience
from cloud.client.http import HttpApi
from cloud.client.pipe import PipeApi
from cloud.client.session import Session
from cloud.errors import CloudException, CloudTimeoutError, JobError, ServerUnavailable
from cloud.model import Buffer, Ranges
from cloud.wire import worker
from tests.support.scripted_api import ScriptedApi
from tests.support.scripted_server import Request, speaking_for


class ScriptedChannel:
    """What the runner leaves in a worker; requests are answered by a scripted core."""

    jid = 12
    account = 1
    token = "of job 12"

    def __init__(self, core: ScriptedApi, *, serves: bool = True) -> None:
        self.serves = serves
        self.core = core
        self.lent: list[Ranges | str] = []
        self.on_waiting: Callable[[], None] = lambda: None

    def request(self, parts: Sequence[Buffer]) -> bytearray:
        body = b"".join(bytes(part) for part in parts)
        return bytearray(speaking_for(self.core)(Request(1, "", body)).partition(b"\r\n\r\n")[2])

    def waiting(self, jids: Ranges) -> None:
        self.lent.append(jids)
        self.on_waiting()

    def resumed(self) -> None:
        self.lent.append("resumed")


@pytest.fixture
def channel(api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> ScriptedChannel:
    channel = ScriptedChannel(api)
    monkeypatch.setattr(worker, "CHANNEL", channel)
    return channel


@pytest.fixture
def inside(channel: ScriptedChannel) -> Iterator[Session]:
    session = Session(PipeApi, "mp", where="cloud.mp", local=True)
    yield session
    session.close()


def test_everything_goes_through_the_pipe_and_names_the_parent(inside: Session, api: ScriptedApi) -> None:
    api.at_once = True
    jobs = inside.map(lambda x: x + 1, range(3))
    assert inside.result(jobs) == [1, 2, 3]
    assert inside.status(jobs) == ["done"] * 3
    assert api.parts[0].spec is not None
    assert api.parts[0].spec.parent_jid == 12


def test_the_slot_is_lent_only_while_the_job_has_to_wait(
    inside: Session, api: ScriptedApi, channel: ScriptedChannel
) -> None:
    jobs = inside.map(lambda x: x, range(3))
    api.run(jobs[0])
    assert inside.result(jobs[0]) == 0
    inside.join(jobs[0])
    assert next(inside.iresult(jobs)) == 0
    assert channel.lent == []
    channel.on_waiting = lambda: api.run(jobs[1], jobs[2])
    assert inside.result(jobs) == [0, 1, 2]
    assert channel.lent == [(range(2, 4),), "resumed"]


def test_the_slot_comes_back_also_when_the_wait_fails(
    inside: Session, api: ScriptedApi, channel: ScriptedChannel
) -> None:
    job = inside.call(abs, 1)
    channel.on_waiting = lambda: api.fail(job, "text")
    with pytest.raises(JobError):
        inside.join(job)
    assert channel.lent == [(range(1, 2),), "resumed"]


def test_a_refusal_to_lend_is_the_error_of_the_wait(inside: Session, channel: ScriptedChannel) -> None:
    def refuse() -> None:
        raise CloudException("64 jobs wait already")

    channel.on_waiting = refuse
    with pytest.raises(CloudException, match="64 jobs wait already"):
        inside.result(inside.call(abs, 1))


@pytest.mark.parametrize("how", ["join", "result"])
def test_queued_jobs_that_do_not_move_are_taken_for_a_deadlock(
    inside: Session, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """S54: the last resort."""
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(patience, "DEADLOCK_SECONDS", 0.02)
    jobs = inside.map(abs, range(2))
    with pytest.raises(CloudTimeoutError, match="possible dead-lock due to recursive jobs") as raised:
        getattr(inside, how)(jobs)
    assert raised.value.jid == [1, 2]
    with pytest.raises(CloudTimeoutError, match="timed out"):
        getattr(inside, how)(jobs, timeout=0.1, deadlock_check=False)


def test_the_slots_of_another_cloud_are_not_lent(channel: ScriptedChannel) -> None:
    """A job of `cloud.mp` that waits for jobs of a server keeps its slot: the pool does not know those jobs."""
    other = ScriptedApi()
    session = Session(lambda: other)
    job = session.call(abs, -1)
    thread = threading.Thread(target=other.run, args=(job,))
    thread.start()
    assert session.result(job) == 1
    thread.join()
    assert channel.lent == []
    assert other.parts[0].spec is not None
    assert other.parts[0].spec.parent_jid is None


def test_running_on_cloud_is_true_only_in_jobs_of_a_server(channel: ScriptedChannel) -> None:
    assert cloud.running_on_cloud() is False
    channel.serves = False
    assert cloud.running_on_cloud() is True


def test_a_job_of_a_server_reaches_it_with_its_token(channel: ScriptedChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    channel.serves = False
    monkeypatch.setenv("PICLOUD_URL", "http://localhost:1")
    session = connect.network_session()
    api = session.api
    assert isinstance(api, HttpApi)
    assert api.inside
    assert api.endpoint.authorization() == "Bearer of job 12"
    channel.token = "of job 13"
    assert api.endpoint.authorization() == "Bearer of job 13"


def test_a_pipe_outside_of_a_worker_is_an_error() -> None:
    with pytest.raises(ServerUnavailable, match=r"not a worker of cloud\.mp"):
        PipeApi().describe()
