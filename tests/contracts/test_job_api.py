"""Every promise of `JobApi`, kept by every speaker: in process, through the door's messages, over HTTP."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud import pickling
from cloud.api import INFO_FIELDS, Ended, JobApi, NewChunk, Part
from cloud.client.http import HttpApi
from cloud.client.surroundings import surroundings
from cloud.errors import InvalidSubmission, JobNotFound, NoInterpreter
from cloud.model import Environment, Ranges, Spec, Status
from cloud.model.ranges import normal, subtract
from tests.support.job_apis import SPEAKERS, speaker
from tests.support.waiting import eventually

SOON = 120.0
"""Seconds within which what is due must have come."""


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[JobApi]:
    """Each speaker, on a real core with worker processes."""
    with speaker(request.param) as api:
        yield api


def double(x: int) -> int:
    return 2 * x


def wait_for(path: str) -> str:
    """A job that ends when the test makes a file."""
    while not os.path.exists(path):
        time.sleep(0.005)  # the job sleeps
    return path


class Gate:
    """A job that runs until it is opened."""

    def __init__(self, api: JobApi, path: Path) -> None:
        self._path = path
        self.jid = submit(api, wait_for, [(str(path),)]).start
        self.ranges = (range(self.jid, self.jid + 1),)

    def open(self) -> None:
        self._path.touch()


@pytest.fixture
def gate(api: JobApi, tmp_path: Path) -> Iterator[Gate]:
    """A job that does not end before the test does, unless opened."""
    gate = Gate(api, tmp_path / "open")
    yield gate
    gate.open()
    assert not api.wait(gate.ranges, timeout_seconds=SOON, stop_on_failure=False).unfinished


def token() -> str:
    return uuid.uuid4().hex


def spec_of(function: Callable[..., Any], **changes: Any) -> tuple[Spec, bytes]:
    """A spec, and the function pickled."""
    digest, packed = pickling.dump_function(function)
    return Spec("map", digest, "f", changes.pop("environment", surroundings()), **changes), packed


def chunk(first: int, jobs: list[tuple[Any, ...]]) -> NewChunk:
    return NewChunk(first, len(jobs), pickling.pack_map(jobs))


def submit(api: JobApi, function: Callable[..., Any], jobs: list[tuple[Any, ...]], **changes: Any) -> range:
    """Submit in one part."""
    spec, packed = spec_of(function, **changes)
    receipt = api.submit(Part(token(), spec, [packed], [chunk(0, jobs)], len(jobs)))
    assert receipt.jids is not None
    return receipt.jids


def all_outcomes(api: JobApi, jids: Ranges) -> list[Ended]:
    """Asked for until all are there, ascending."""
    missing = normal(jids)
    got: list[Ended] = []
    deadline = time.monotonic() + SOON
    while missing:
        assert time.monotonic() < deadline, f"no outcomes of {missing}"
        answer = api.outcomes(missing, timeout_seconds=SOON, linger_seconds=0.01)
        for ended in answer:
            assert subtract((ended.jids,), missing) == (), "only what was asked for, and each once"
            missing = subtract(missing, (ended.jids,))
        got += answer
    return sorted(got, key=lambda ended: ended.jid)


def values(got: list[Ended]) -> list[Any]:
    return [
        pickling.loads(ended.outcomes.bytes_of("result", index), ended.cache_tag)
        for ended in got
        for index in range(ended.outcomes.lo, ended.outcomes.hi)
    ]


# submitting


def test_jobs_of_a_submission_have_consecutive_jids_and_their_outcomes_their_order(api: JobApi) -> None:
    first = submit(api, double, [(i,) for i in range(700)])
    second = submit(api, double, [(i,) for i in range(3)])
    assert len(first) == 700
    assert second.start >= first.stop
    got = all_outcomes(api, (first,))
    assert values(got) == [2 * i for i in range(700)]
    for ended in got:
        assert ended.cache_tag == pickling.CACHE_TAG
        assert set(ended.outcomes.status) == {Status.DONE}
        assert [ended.outcomes.lo + jid - ended.jid for jid in ended.jids] == [jid - first.start for jid in ended.jids]


def test_a_repeated_submission_makes_no_second_set_of_jobs(api: JobApi) -> None:
    spec, packed = spec_of(double)
    part = Part(token(), spec, [packed], [chunk(0, [(1,), (2,)])], 2)
    first = api.submit(part)
    assert api.submit(part) == first
    following = submit(api, double, [(1,)])
    assert first.jids is not None
    assert following.start == first.jids.stop


def test_a_function_that_was_never_sent_is_asked_for_and_nothing_is_stored(api: JobApi) -> None:
    def unheard_of() -> str:
        return mark

    mark = token()
    spec, packed = spec_of(unheard_of)
    part = Part(token(), spec, None, [chunk(0, [()])], 1)
    receipt = api.submit(part)
    assert (receipt.missing_function, receipt.jids) == (True, None)
    receipt = api.submit(Part(part.token, spec, [packed], part.chunks, 1))
    assert receipt.jids is not None
    assert values(all_outcomes(api, (receipt.jids,))) == [mark]
    again = api.submit(Part(token(), spec, None, part.chunks, 1))
    assert (again.missing_function, len(again.jids or ())) == (False, 1)


def test_a_submission_in_parts_runs_when_it_is_sealed(api: JobApi) -> None:
    spec, packed = spec_of(double)
    name = token()
    assert api.submit(Part(name, spec, [packed], [chunk(2, [(2,), (3,)])])).jids is None
    assert api.submit(Part(name, spec, None, [chunk(0, [(0,), (1,)]), chunk(2, [(2,), (3,)])])).jids is None
    receipt = api.submit(Part(name, spec, None, [chunk(4, [(4,)])], 5))
    assert receipt.jids is not None
    assert values(all_outcomes(api, (receipt.jids,))) == [0, 2, 4, 6, 8]


def test_later_parts_need_no_spec(api: JobApi) -> None:
    spec, packed = spec_of(double)
    name = token()
    api.submit(Part(name, spec, [packed], [chunk(0, [(0,)])]))
    receipt = api.submit(Part(name, chunks=[chunk(1, [(1,)])], count=2))
    assert receipt.jids is not None
    assert len(receipt.jids) == 2


def test_a_seal_with_chunks_missing_is_refused(api: JobApi) -> None:
    spec, packed = spec_of(double)
    with pytest.raises(InvalidSubmission):
        api.submit(Part(token(), spec, [packed], [chunk(0, [(0,)]), chunk(2, [(2,)])], 3))


def test_a_dropped_submission_cannot_be_sealed_and_a_sealed_one_not_dropped(api: JobApi) -> None:
    spec, packed = spec_of(double)
    name = token()
    api.submit(Part(name, spec, [packed], [chunk(0, [(0,)])]))
    api.drop(name)
    api.drop(name)
    with pytest.raises(InvalidSubmission):
        api.submit(Part(name, count=1))
    sealed = Part(token(), spec, [packed], [chunk(0, [(4,)])], 1)
    jids = api.submit(sealed).jids
    assert jids is not None
    api.drop(sealed.token)
    assert values(all_outcomes(api, (jids,))) == [8]


def test_a_submission_that_no_worker_can_open_is_refused_at_once(api: JobApi) -> None:
    with pytest.raises(NoInterpreter, match="cpython-27"):
        submit(api, double, [(1,)], environment=Environment("cpython-27"))


def test_a_dependency_that_does_not_exist_is_refused(api: JobApi) -> None:
    with pytest.raises(JobNotFound) as raised:
        submit(api, double, [(1,)], depends_on=(range(10**9, 10**9 + 1),))
    assert raised.value.jid == 10**9


# waiting and reading


def test_outcomes_are_given_as_they_come_and_only_those_asked_for(api: JobApi, gate: Gate) -> None:
    jids = submit(api, double, [(i,) for i in range(4)])
    asked = (range(gate.jid, gate.jid + 1), jids[1:3])
    got = api.outcomes(asked, timeout_seconds=SOON)
    assert got
    assert all(jid in jids[1:3] for ended in got for jid in ended.jids)
    assert api.outcomes(gate.ranges, timeout_seconds=0) == []
    assert api.outcomes(gate.ranges, timeout_seconds=0.01) == []


def test_lingering_ends_when_all_are_there(api: JobApi) -> None:
    jids = submit(api, double, [(i,) for i in range(50)])
    before = time.monotonic()
    got = api.outcomes((jids,), timeout_seconds=SOON, linger_seconds=SOON)
    assert sum(len(ended.jids) for ended in got) == 50
    assert time.monotonic() - before < SOON / 2


def test_an_answer_stops_growing_but_always_holds_something(api: JobApi) -> None:
    jids = submit(api, lambda i: bytes([i]) * 20_000, [(i,) for i in range(40)])
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    got = api.outcomes((jids,), timeout_seconds=0, max_bytes=1)
    assert 0 < sum(len(ended.jids) for ended in got) < 40
    assert [value[0] for value in values(all_outcomes(api, (jids,)))] == list(range(40))


def test_large_results_are_read_apart_and_are_writable(api: JobApi) -> None:
    jids = submit(api, lambda n: bytearray(n), [(10,), (1_000_000,)])
    outcomes = {jid: (ended, jid - jids.start) for ended in all_outcomes(api, (jids,)) for jid in ended.jids}
    small, large = outcomes[jids[0]], outcomes[jids[1]]
    assert not small[0].outcomes.blobs.get(small[1])
    ref = large[0].outcomes.blobs[large[1]]
    envelope = api.read(jids[1], ref.name)
    assert memoryview(envelope).nbytes == ref.size_bytes
    assert pickling.loads(envelope) == bytearray(1_000_000)
    with pytest.raises(JobNotFound):
        api.read(jids[0], ref.name + "x")


def test_an_error_is_an_outcome_with_text_and_exception(api: JobApi) -> None:
    jids = submit(api, lambda x: 1 // x, [(1,), (0,)])
    ended = all_outcomes(api, (jids,))[-1]
    index = ended.outcomes.hi - 1
    assert ended.outcomes.status_of(index) is Status.ERROR
    assert b"ZeroDivisionError" in bytes(ended.outcomes.bytes_of("error", index))
    assert isinstance(pickling.loads(ended.outcomes.bytes_of("exception", index)), ZeroDivisionError)


def test_wait_says_what_is_unfinished_and_when_nothing_is(api: JobApi, gate: Gate) -> None:
    jids = submit(api, double, [(i,) for i in range(3)])
    assert api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False).unfinished == ()
    asked = (*gate.ranges, jids)
    for timeout_seconds in (0, 0.01):
        waited = api.wait(asked, timeout_seconds=timeout_seconds, stop_on_failure=False)
        assert (normal(waited.unfinished), waited.failed) == (gate.ranges, None)
    gate.open()
    assert not api.wait(asked, timeout_seconds=SOON, stop_on_failure=True).unfinished


def test_wait_stops_at_the_first_failure_and_names_the_lowest(api: JobApi, gate: Gate) -> None:
    jids = submit(api, lambda x: 1 // x, [(1,), (0,), (0,)])
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    waited = api.wait((*gate.ranges, jids), timeout_seconds=SOON, stop_on_failure=True)
    assert waited.failed == jids[1]
    assert normal(waited.unfinished) == gate.ranges


def test_wait_counts_the_queued(api: JobApi, gate: Gate, tmp_path: Path) -> None:
    second = Gate(api, tmp_path / "second")
    while api.status(second.ranges) != bytes([Status.PROCESSING]):
        api.wait(second.ranges, timeout_seconds=0.01, stop_on_failure=False)
    jids = submit(api, double, [(i,) for i in range(3)])

    def all_queued() -> bool:  # an agent elsewhere may have taken them, and gives them back
        return api.wait((*gate.ranges, jids), timeout_seconds=0, stop_on_failure=False).queued == 3

    eventually(all_queued)
    second.open()
    api.wait((*second.ranges, jids), timeout_seconds=SOON, stop_on_failure=False)


def test_status_is_a_byte_per_jid_in_the_order_asked(api: JobApi, gate: Gate) -> None:
    done = submit(api, double, [(i,) for i in range(3)])
    waiting = submit(api, double, [(1,)], depends_on=gate.ranges)
    api.wait((done,), timeout_seconds=SOON, stop_on_failure=False)
    asked = (waiting, done[1:], done[:1])
    assert api.status(asked) == bytes([Status.WAITING, Status.DONE, Status.DONE, Status.DONE])


def test_info_has_exactly_the_fields_asked_for(api: JobApi) -> None:
    jids = submit(api, print, [("hello",), ("you",)], label="a label")
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    texts = api.info((jids,), ["stdout", "label"])
    assert [bytes(info["stdout"]) for info in texts] == [b"hello\n", b"you\n"]
    assert [set(info) for info in texts] == [{"stdout", "label"}] * 2
    (everything,) = api.info((jids[1:],), INFO_FIELDS)
    assert set(everything) == set(INFO_FIELDS)
    assert (everything["status"], everything["label"]) == ("done", "a label")
    assert everything["created"] <= everything["started"] + 1 <= everything["finished"] + 1
    packed = everything["args"]
    arguments = pickling.Arguments(packed["chunk"])
    assert arguments[packed["index"] - packed["first"]] == (("you",), {})
    assert pickling.load_function(everything["func_object"]) is print


# ending


def test_what_does_not_run_is_killed_in_the_call_and_stalls_what_depends_on_it(api: JobApi, gate: Gate) -> None:
    held = submit(api, double, [(i,) for i in range(5)], depends_on=gate.ranges)
    behind = submit(api, double, [(1,)], depends_on=(held,))
    api.kill((held[1:2], held[3:]))
    assert api.status((held,)) == bytes([Status.WAITING, Status.KILLED, Status.WAITING, Status.KILLED, Status.KILLED])
    assert api.status((behind,)) == bytes([Status.STALLED])
    gate.open()
    got = all_outcomes(api, (held, behind))
    assert b"".join(ended.outcomes.statuses() for ended in got) == bytes([3, 5, 3, 5, 5, 6])


@pytest.mark.parametrize("force", [False, True])
def test_a_running_job_is_killed_and_a_finished_one_stays_as_it_is(api: JobApi, gate: Gate, force: bool) -> None:
    done = submit(api, double, [(1,)])
    api.wait((done,), timeout_seconds=SOON, stop_on_failure=False)
    api.kill((*gate.ranges, done), force=force)
    assert not api.wait(gate.ranges, timeout_seconds=SOON, stop_on_failure=False).unfinished
    assert api.status((*gate.ranges, done)) == bytes([Status.KILLED, Status.DONE])


def test_kill_of_everything_is_of_everything(api: JobApi, gate: Gate) -> None:
    held = submit(api, double, [(i,) for i in range(3)], depends_on=gate.ranges)
    api.kill(None)
    assert not api.wait((*gate.ranges, held), timeout_seconds=SOON, stop_on_failure=False).unfinished
    assert api.status((*gate.ranges, held)) in (bytes([5, 5, 5, 5]), bytes([5, 6, 6, 6]))


def test_deleted_jobs_are_not_found_and_the_others_stay(api: JobApi) -> None:
    jids = submit(api, double, [(i,) for i in range(5)])
    api.wait((jids,), timeout_seconds=SOON, stop_on_failure=False)
    api.delete((jids[1:3],))
    calls: list[Callable[[], Any]] = [
        lambda: api.status((jids,)),
        lambda: api.counts((jids,)),
        lambda: api.why(jids[1]),
        lambda: api.rerun((jids,), token=token()),
        lambda: api.info((jids,), ["status"]),
        lambda: api.outcomes((jids[1:3],), timeout_seconds=SOON),
    ]
    for call in calls:
        with pytest.raises(JobNotFound) as raised:
            call()
        assert raised.value.jid == jids[1]
    assert values(all_outcomes(api, (jids[:1], jids[3:]))) == [0, 6, 8]


def test_unfinished_jobs_are_not_deleted_and_nothing_with_them(api: JobApi, gate: Gate) -> None:
    done = submit(api, double, [(1,)])
    api.wait((done,), timeout_seconds=SOON, stop_on_failure=False)
    with pytest.raises(InvalidSubmission):
        api.delete((done, *gate.ranges))
    assert api.status((done,)) == bytes([Status.DONE])


def test_jids_that_do_not_exist_are_named_by_every_call(api: JobApi) -> None:
    nobody = (range(10**9, 10**9 + 1),)
    calls: list[Callable[[], Any]] = [
        lambda: api.status(nobody),
        lambda: api.counts(nobody),
        lambda: api.wait(nobody, timeout_seconds=0, stop_on_failure=False),
        lambda: api.outcomes(nobody, timeout_seconds=0),
        lambda: api.info(nobody, ["status"]),
        lambda: api.why(10**9),
        lambda: api.dependents(10**9),
        lambda: api.kill(nobody),
        lambda: api.delete(nobody),
        lambda: api.rerun(nobody, token=token()),
        lambda: api.read(10**9, "results/1/1-1"),
    ]
    for call in calls:
        with pytest.raises(JobNotFound) as raised:
            call()
        assert raised.value.jid == 10**9


def test_it_describes_itself(api: JobApi) -> None:
    about = api.describe()
    assert about["slots"] == 2
    assert pickling.CACHE_TAG in about["interpreters"]
    if isinstance(api, HttpApi):
        assert {"version", "protocol", "server_id"} <= set(about)
