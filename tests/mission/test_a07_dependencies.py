"""SPEC A.7: dependencies."""

import importlib
from typing import Any

import pytest

from cloud.client.session import Session
from cloud.errors import CloudException, JobError
from tests.support.gates import Gate, Paper


def fail() -> None:
    raise LookupError


def test_calls_and_maps_run_behind_what_they_depend_on(cloud: Session, gate: Gate, paper: Paper) -> None:
    """S32: the mission's example: images are downloaded before faces are sought in any of them."""

    def download(image: int) -> None:
        if image == 0:
            gate.stop()
        paper.write(f"download {image}")

    def find_faces_in_images(image: int) -> None:
        paper.write(f"faces {image}")

    download_jids = cloud.map(download, range(4))
    find_faces_jids = cloud.map(find_faces_in_images, range(4), _depends_on=download_jids)
    last = cloud.call(paper.write, "last", _depends_on=find_faces_jids)
    gate.wait_for()
    assert set(cloud.status(find_faces_jids)) == {"waiting"}
    gate.open()
    cloud.join(last)
    said = paper.lines
    assert sorted(said[:4]) == [f"download {i}" for i in range(4)]
    assert sorted(said[4:8]) == [f"faces {i}" for i in range(4)]
    assert said[8:] == ["last"]


def test_dependencies_may_be_given_in_any_form(cloud: Session) -> None:
    """S33: a jid, a sequence, a range, a mixture; anything else is a TypeError; what does not exist CloudException."""
    jids = cloud.map(abs, range(4))
    one = int(jids[0])
    for given in (one, jids, [one], (one, one + 1), range(one, one + 3), [range(one, one + 2), one + 3], {one}, []):
        assert cloud.call(abs, -1, _depends_on=given).result() == 1
    for wrong in ("1", 1.5, ["1"], object()):
        with pytest.raises(TypeError, match="_depends_on"):
            cloud.call(abs, -1, _depends_on=wrong)
    with pytest.raises(CloudException, match=str(10**9)):
        cloud.call(abs, -1, _depends_on=10**9)


def test_what_depends_on_a_failed_job_never_runs(cloud: Session, paper: Paper) -> None:
    """S34: stalled, also what depends on that; at once when the job has failed already."""
    a = cloud.call(fail)
    b = cloud.call(paper.write, "b", _depends_on=a)
    c = cloud.map(paper.write, ["c", "d"], _depends_on=b)
    cloud.join([a, b, *c], ignore_errors=True)
    assert cloud.status([a, b, *c]) == ["error", "stalled", "stalled", "stalled"]
    assert cloud.status(cloud.call(paper.write, "late", _depends_on=[a])) == "stalled"
    with pytest.raises(JobError, match="dependency") as error:
        cloud.result(c)
    assert error.value.status == "stalled"
    assert paper.lines == []


def test_a_waiting_job_takes_no_worker(cloud: Session, gate: Gate) -> None:
    """S35: it does not count against parallelism."""
    jid = cloud.call(gate.stop)
    waiting = cloud.map(abs, range(50), _depends_on=jid)
    gate.wait_for()
    assert cloud.result(cloud.map(abs, [-1, -2])) == [1, 2], "the other worker is free"
    assert set(cloud.status(waiting)) == {"waiting"}
    gate.open()
    assert cloud.result(waiting) == list(range(50))


def job1() -> int:
    return 1


def job2(jid: int, name: str) -> Any:
    return importlib.import_module(name).result(jid)


def job3(x: int, name: str) -> Any:
    module = importlib.import_module(name)
    return sum(module.result(module.map(abs, range(x))))


def test_jobs_may_use_cloud_themselves(cloud: Session) -> None:
    """S36: the mission's example: job2 returns `cloud.result(jid1)`; jobs may start jobs."""
    jid1 = cloud.call(job1)
    jid2 = cloud.call(job2, jid1, cloud.where, _depends_on=jid1)
    assert cloud.result(jid2) == 1
    assert cloud.result(cloud.call(job3, 5, cloud.where)) == 10


def test_failed_dependencies_may_be_ignored(cloud: Session) -> None:
    """S36a: lifted: on cloud.mp too, where PiCloud let the job stall all the same."""
    bad = cloud.call(fail)
    assert cloud.call(abs, -1, _depends_on=bad, _depends_on_errors="ignore").result() == 1
    stalled = cloud.call(abs, -1, _depends_on=bad, _depends_on_errors="abort")
    cloud.join(stalled, ignore_errors=True)
    assert stalled.status == "stalled"
    with pytest.raises(ValueError, match="_depends_on_errors"):
        cloud.call(abs, -1, _depends_on=bad, _depends_on_errors="perhaps")
    with pytest.raises(TypeError, match="_depends_on_errors"):
        cloud.call(abs, -1, _depends_on=bad, _depends_on_errors=True)
