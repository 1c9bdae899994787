"""What `JobApi` says of jobs beside their outcomes, and running them again; by every speaker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import pickling
from cloud.api import JobApi
from cloud.errors import InvalidSubmission, JobNotFound
from cloud.model import Status
from cloud.model.ranges import normal
from tests.contracts.test_job_api import SOON, Gate, all_outcomes, double, submit, token, values
from tests.support.job_apis import SPEAKERS, speaker


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[JobApi]:
    """Each speaker, on a real core with worker processes."""
    with speaker(request.param) as api:
        yield api


@pytest.fixture
def gate(api: JobApi, tmp_path: Path) -> Iterator[Gate]:
    """A job that does not end before the test does, unless opened."""
    gate = Gate(api, tmp_path / "open")
    yield gate
    gate.open()
    assert not api.wait(gate.ranges, timeout_seconds=SOON, stop_on_failure=False).unfinished


def test_jobs_are_counted_by_status_each_once(api: JobApi, gate: Gate) -> None:
    def fail(x: int) -> int:
        return 1 // x

    jids = submit(api, fail, [(i,) for i in range(5)])
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    held = submit(api, double, [(i,) for i in range(3)], depends_on=gate.ranges)
    assert api.counts((jids, jids[2:])) == {"done": 4, "error": 1}
    assert api.counts((jids[1:3], held[1:])) == {"waiting": 2, "done": 2}
    assert api.counts((jids, held, *gate.ranges)).keys() <= {"waiting", "queued", "processing", "done", "error"}
    assert api.counts(()) == {}


def test_why_says_what_a_job_waits_for_and_how_it_ended(api: JobApi, gate: Gate) -> None:
    held = submit(api, double, [(1,)], depends_on=gate.ranges)
    assert f"job {gate.jid}" in api.why(held.start)
    gate.open()
    api.wait((held,), timeout_seconds=SOON, stop_on_failure=False)
    assert api.why(held.start).startswith("It is done: it returned after ")


def test_what_depends_on_a_job_is_known_also_when_it_ran(api: JobApi) -> None:
    first = submit(api, double, [(i,) for i in range(5)])
    assert api.dependents(first[2]) == ()
    some, all_of_them = (submit(api, double, [(1,), (2,)], depends_on=(on,)) for on in (first[2:3], first))
    last = submit(api, double, [(3,)], depends_on=(first[1:2], some))
    api.wait((last, all_of_them), timeout_seconds=SOON, stop_on_failure=False)
    assert api.dependents(first[2]) == normal((some, all_of_them))
    assert api.dependents(first[1]) == normal((all_of_them, last))
    assert api.dependents(some[1]) == (last,)
    api.delete((all_of_them, first[2:3]))
    assert api.dependents(first[1]) == (last,)
    with pytest.raises(JobNotFound):
        api.dependents(first[2])


def test_some_jobs_of_a_map_run_again_as_new_ones(api: JobApi) -> None:
    large = b"x" * 50_000
    jids = submit(api, len, [(large + bytes(i),) for i in range(8)], label="again", priority=3)
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    asked = (jids[6:8], jids[1:3], jids[1:2])
    again = api.rerun(asked, token=token())
    assert [len(item) for item in again] == [4]
    assert again[0].start >= jids.stop
    api.delete((jids,))
    all_outcomes(api, again)
    twice = api.rerun((again[0][1:3],), token=token())
    assert values(all_outcomes(api, again)) == [len(large) + i for i in (1, 2, 6, 7)]
    api.delete(again)
    assert values(all_outcomes(api, twice)) == [len(large) + i for i in (2, 6)]
    (info, _) = api.info(twice, ["label", "attributes", "args"])
    assert (info["label"], info["attributes"]["priority"], info["attributes"]["again"]) == ("again", 3, again[0][1])
    arguments = pickling.Arguments(info["args"]["chunk"])
    assert arguments[info["args"]["index"] - info["args"]["first"]] == ((large + bytes(2),), {})


def test_jobs_of_several_submissions_run_again_in_order_and_once_for_a_token(api: JobApi) -> None:
    first, second = submit(api, double, [(i,) for i in range(3)]), submit(api, double, [(10,)])
    api.wait((first, second), timeout_seconds=SOON, stop_on_failure=False)
    mark = token()
    again = api.rerun((second, first[1:]), token=mark)
    assert [len(item) for item in again] == [2, 1]
    assert values(all_outcomes(api, again)) == [2, 4, 20]
    api.delete((first,))
    assert api.rerun((second, first[1:]), token=mark) == again


def test_unfinished_jobs_do_not_run_again_nor_any_with_them(api: JobApi, gate: Gate) -> None:
    done = submit(api, double, [(1,)])
    api.wait((done,), timeout_seconds=SOON, stop_on_failure=False)
    with pytest.raises(InvalidSubmission) as raised:
        api.rerun((done, *gate.ranges), token=token())
    assert raised.value.jid == gate.jid
    assert submit(api, double, [(1,)]).start <= max(done.stop, gate.jid + 1)


def test_the_arguments_of_later_jobs_of_a_map_are_shown_where_that_matters(api: JobApi) -> None:
    def work(x: int, how: str) -> int:
        import time

        if how == "slow":
            time.sleep(0.005)
        return 1 // x

    how = {120: "slow", 130: "failing"}
    jids = submit(api, work, [(0 if i == 130 else i + 1, how.get(i, "quick")) for i in range(150)])
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)

    def shown(index: int) -> object:
        return api.info((jids[index : index + 1],), ["attributes"])[0]["attributes"]["shown_arguments"]

    assert [shown(index) for index in (120, 130)] == ["121, 'slow'", "0, 'failing'"]
    assert None in [shown(index) for index in range(140, 150)], "of what was quick, and not held up by the machine"


def test_very_many_pieces_of_a_map_are_asked_for_and_deleted_together(api: JobApi) -> None:
    jids = submit(api, double, [(i,) for i in range(60)])
    all_outcomes(api, (jids,))
    one_by_one = tuple(range(jid, jid + 1) for jid in reversed(jids[::2]))
    assert api.status(one_by_one) == bytes([Status.DONE]) * 30
    api.delete(one_by_one)
    left = tuple(range(jid, jid + 1) for jid in jids[1::2])
    assert api.status(left) == bytes([Status.DONE]) * 30
    assert values(all_outcomes(api, left)) == [2 * i for i in range(1, 60, 2)]
    with pytest.raises(JobNotFound) as missing:
        api.status((*left, jids[20:21], jids[10:11]))
    assert missing.value.jid == jids[20]
    with pytest.raises(JobNotFound) as missing:
        api.delete((*left, jids[20:21]))
    assert missing.value.jid == jids[20]
    assert api.status(left) == bytes([Status.DONE]) * 30
    api.delete(left)
    with pytest.raises(JobNotFound):
        api.status((jids[1:2],))
