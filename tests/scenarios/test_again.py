"""Running jobs again: any subset of any submission gives the results of the originals, whatever became of these."""

import operator
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud import pickling
from cloud.api import NewChunk, Part
from cloud.client.session import Session
from cloud.errors import InvalidSubmission, NoInterpreter
from cloud.model import Chunk, Stretch
from cloud.model.ranges import pack
from tests.support.job_apis import RAY, speaker
from tests.support.required import EVERYTHING
from tests.support.world import FUNCTION, World, spec


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=100)
    yield world
    world.stop()


@pytest.fixture(scope="module", params=["in process", *([RAY] if EVERYTHING else [])])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with speaker(request.param) as api:
        yield Session(lambda: api)


def kept(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    return args, sorted(kwargs.items())


SUBMISSIONS = {
    "plain": lambda session: session.map(kept, range(1100), range(5, 1105)),
    "enveloped": lambda session: session.map(kept, [[i] * 3 for i in range(600)]),
    "large": lambda session: session.map(kept, [bytes([i]) * 40_000 for i in range(30)]),
    "call": lambda session: session.call(partial(kept, 1), 2, three=[3]),
}


@pytest.fixture(scope="module", params=list(SUBMISSIONS))
def originals(request: pytest.FixtureRequest, session: Session) -> tuple[range, list[Any]]:
    """Jids and results of a submission of each kind."""
    made = SUBMISSIONS[request.param](session)
    jids = range(made, made + 1) if isinstance(made, int) else made.as_range
    return jids, session.result(jids)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_results_of_a_subset_are_those_of_the_originals(
    session: Session, originals: tuple[range, list[Any]], data: st.DataObject
) -> None:
    jids, results = originals
    every = data.draw(st.integers(1, 7))
    chosen = data.draw(st.sets(st.integers(0, len(jids) - 1), min_size=1, max_size=20))
    indices = sorted(chosen | set(range(min(chosen), len(jids), 100 * every)))
    again = session.api.rerun(pack(jids[i] for i in indices), token=uuid.uuid4().hex)
    assert session.result(again) == [results[i] for i in indices]
    some = sorted(data.draw(st.sets(st.sampled_from(range(len(indices))), min_size=1, max_size=5)))
    twice = session.api.rerun(pack(again[0][i] for i in some), token=uuid.uuid4().hex)
    assert session.result(twice) == [results[indices[i]] for i in some]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True), st.data())
def test_positions_in_a_chunk_are_those_of_its_picks(picked: list[int], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 1000))
    chunk = Chunk(first, len(picked), b"", pack(picked))
    lo = data.draw(st.integers(0, len(picked) - 1))
    hi = data.draw(st.integers(lo + 1, len(picked)))
    assert [p for run in chunk.positions(first + lo, first + hi) for p in run] == picked[lo:hi]
    whole = Chunk(first, len(picked), b"")
    assert whole.positions(first + lo, first + hi) == (range(lo, hi),)


def submit_large(world: World) -> range:
    """Two jobs in a chunk that is in a blob, one in another that is not."""
    large = [[bytes(40_000)], [b"small"]]
    chunks = [NewChunk(0, 2, pickling.pack_map([(large[0],), (large[0],)])), NewChunk(2, 1, [b"inline"])]
    jids = world.jobs.submit(Part("large", spec(shown_arguments=("a", "b", "c")), [FUNCTION], chunks, 3)).jids
    assert jids is not None
    world.run_all()
    return jids


@pytest.mark.parametrize("first_to_go", ["the original", "the other"])
def test_a_shared_blob_stays_until_the_last_that_needs_it_is_gone(world: World, first_to_go: str) -> None:
    jids = submit_large(world)
    (again,) = world.jobs.rerun((jids[1:],), token="again")
    world.run_all()
    (blob,) = world.blobs.names(older_than_seconds=-1)
    order = [jids, again] if first_to_go == "the original" else [again, jids]
    world.jobs.delete((order[0],))
    assert list(world.blobs.names(older_than_seconds=-1)) == [blob]
    assert world.store.referenced([blob]) == {blob}
    world.jobs.delete((order[1],))
    assert not list(world.blobs.names(older_than_seconds=-1))


def test_what_was_true_of_the_first_run_only_is_left_out(world: World) -> None:
    gate = world.map(1)
    jids = world.map(3, depends_on=(gate,), parent_jid=7, label="night", priority=2, shown_arguments=("a", "b"))
    world.run_all()
    (again,) = world.jobs.rerun((jids[1:2], jids[2:]), token="again")
    (found,) = world.store.at_jids(again)
    assert (found.spec.label, found.spec.priority, found.spec.shown_arguments) == ("night", 2, ("b",))
    assert (found.spec.depends_on, found.spec.parent_jid, found.spec.again) == ((), None, (jids[1:],))
    assert world.store.chunks(found.sid, 0, 2) == [
        Chunk(0, 2, world.store.chunks(found.sid - 1, 0, 1)[0].packed, (range(1, 3),))
    ]
    attributes = world.jobs.info((again,), ["attributes"])
    assert [one["attributes"]["again"] for one in attributes] == list(jids[1:])
    assert [one["attributes"]["shown_arguments"] for one in attributes] == ["b", None]


def test_failed_killed_and_stalled_jobs_run_again(world: World) -> None:
    world.engine.slots = 0
    first = world.map(2)
    second = world.map(2, depends_on=(first,))
    world.jobs.kill((first,))
    assert world.jobs.counts((first, second)) == {"killed": 2, "stalled": 2}
    again = world.jobs.rerun((first, second), token="again")
    assert world.jobs.counts(again) == {"queued": 4}
    world.engine.slots = 2
    world.tick()
    world.run_all()
    assert world.jobs.counts(again) == {"done": 4}


def test_nothing_is_made_when_one_cannot_run(world: World) -> None:
    jids = world.map(2)
    world.run_all()
    world.engine.slots = 0
    held = world.map(1)
    with pytest.raises(InvalidSubmission, match="run again"):
        world.jobs.rerun((jids, held), token="again")
    world.engine.refusal = "no Python like that"
    with pytest.raises(NoInterpreter):
        world.jobs.rerun((jids,), token="again")
    assert world.store.newest(10)[0].sid == world.store.at_jids(held)[0].sid


def test_jobs_of_many_chunks_keep_their_order(world: World) -> None:
    chunks = [NewChunk(first, 10, [b"chunk %d" % first]) for first in range(0, 10_000, 10)]
    jids = world.jobs.submit(Part("many", spec(), [FUNCTION], chunks, 10_000)).jids
    assert jids is not None
    world.jobs.kill((jids,))
    (again,) = world.jobs.rerun((jids[5:9_995],), token="again")
    sid = world.store.at_jids(again)[0].sid
    found = world.store.chunks(sid, 0, len(again))
    assert [(c.first, c.count) for c in found[:3]] == [(0, 5), (5, 10), (15, 10)]
    assert [bytes(c.packed) for c in found if not hasattr(c.packed, "name")] == [
        b"chunk %d" % first for first in range(0, 10_000, 10)
    ]
    assert sum(map(operator.attrgetter("count"), found)) == 9_990
    assert world.store.counts(Stretch(sid, 0, 9_990)) == {}
