"""Accounts have as much as they may have, and no more: refused before anything is written."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.api import FilePiece, NewChunk, Part
from cloud.dispatch.files import Files
from cloud.dispatch.jobs import Jobs
from cloud.errors import InvalidSubmission, JobNotFound, LimitExceeded
from cloud.model import Allowance, Submission
from cloud.pickling import pack_map
from tests.support.world import FUNCTION, World, spec


@pytest.fixture
def world() -> Iterator[World]:
    world = World(slots=4)
    yield world
    world.stop()


def limit(world: World, account: int = 2, **limits: Any) -> None:
    world.dispatcher.accounts.change(account, name=f"team {account}", limits=limits)


def running(world: World, account: int) -> int:
    return world.engine.used_by().get(account, 0)


def test_more_jobs_than_may_be_queued_are_refused_and_nothing_of_them_is_stored(world: World) -> None:
    limit(world, queued_jobs=10)
    world.map(10, account=2)  # four of them run at once
    world.map(4, account=2)
    with pytest.raises(LimitExceeded, match=r"team 2 may have at most 10 jobs .* it has 10, and 1 more would come"):
        world.map(1, account=2, token="refused")
    assert world.store.find_token(2, "refused") is None
    world.map(1000)  # others may
    world.engine.finish_all()
    world.tick()
    assert running(world, 2) == 2
    world.map(2, account=2)


def test_a_map_that_comes_in_parts_is_refused_with_its_first_part_when_nothing_fits(world: World) -> None:
    world.map(7, account=2)
    limit(world, queued_jobs=3)
    part = Part("parts", spec(), [FUNCTION], [NewChunk(0, 2, pack_map([(1,), (2,)]))], None)
    with pytest.raises(LimitExceeded):
        Jobs(world.dispatcher, 2).submit(part)
    assert world.store.find_token(2, "parts") is None


def test_running_finished_jobs_again_counts_as_well(world: World) -> None:
    jids = world.map(8, account=2)
    world.run_all()
    limit(world, queued_jobs=4)
    with pytest.raises(LimitExceeded):
        Jobs(world.dispatcher, 2).rerun((jids,), token="again")


def test_an_account_never_has_more_slots_than_it_may_have_and_others_take_the_rest(world: World) -> None:
    limit(world, slots=1)
    world.map(10, account=2)
    assert running(world, 2) == 1
    world.map(10)
    assert (running(world, 1), running(world, 2)) == (3, 1)
    world.engine.finish_all()
    world.tick()
    assert (running(world, 1), running(world, 2)) == (3, 1)


def test_why_names_the_limit_that_a_job_waits_for(world: World) -> None:
    limit(world, slots=1)
    jids = world.map(2, account=2)
    assert "Its account may have 1 slot here at a time, and has 1." in Jobs(world.dispatcher, 2).why(jids[1])
    world.engine.finish_all()
    world.tick()
    assert "It runs" in Jobs(world.dispatcher, 2).why(jids[1])


def test_jobs_that_take_more_slots_than_the_account_may_have_are_refused(world: World) -> None:
    limit(world, slots=2)
    with pytest.raises(LimitExceeded, match="would never run"):
        world.map(1, account=2, cores=3)


def test_stored_bytes_are_arguments_results_and_files(world: World) -> None:
    limit(world, stored_bytes=3000)
    world.map(1, account=2)
    world.engine.finish(world.cids()[0], 0, 1, result=b"r" * 1000)
    world.tick()
    files = Files(world.dispatcher, 2)
    put(files, "first", 1000)
    with pytest.raises(LimitExceeded, match="at most 3,000 stored bytes"):
        put(files, "second", 1000)
    files.delete_file("first")
    world.clock.advance(2)
    put(files, "second", 1000)


def put(files: Files, name: str, size: int) -> None:
    data = name.encode().ljust(size)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    files.put_file(name, name, size, md5, FilePiece(0, data, md5))


def test_no_more_files_than_may_be_but_one_may_be_put_again(world: World) -> None:
    limit(world, files=1)
    files = Files(world.dispatcher, 2)
    put(files, "first", 10)
    with pytest.raises(LimitExceeded, match="at most 1 files"):
        put(files, "second", 10)
    data = b"other"
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    files.put_file("again", "first", 5, md5, FilePiece(0, data, md5))


def test_defaults_are_for_all_but_administrators_and_give_way_to_what_was_set(world: World) -> None:
    accounts = world.dispatcher.accounts
    accounts.defaults = Allowance(queued_jobs=5, files=7)
    limit(world, 3, queued_jobs=None)
    assert accounts.allowance(1) == Allowance()
    assert accounts.allowance(2) == Allowance(queued_jobs=5, files=7)
    assert accounts.allowance(3) == Allowance(files=7)
    limit(world, 3, queued_jobs="default")
    assert accounts.allowance(3) == Allowance(queued_jobs=5, files=7)


def test_what_cannot_be_said_of_an_account_is_refused(world: World) -> None:
    accounts = world.dispatcher.accounts
    accounts.change(2, name="night")
    for number, changes in (
        (3, {"name": "night"}), (3, {"name": "12"}), (3, {"name": "a\nb"}), (1, {"active": False}),
        (1, {"administrator": False}), (3, {"limits": {"jobs": 3}}), (3, {"limits": {"slots": -1}}),
        (3, {"limits": {"slots": True}}),
    ):  # fmt: skip
        with pytest.raises(InvalidSubmission):
            accounts.change(number, **changes)
    assert [(a.number, a.name) for a in accounts.named()] == [(2, "night")]


# what is shared by content


def test_a_function_of_another_account_cannot_be_named_by_its_digest(world: World) -> None:
    world.map(1)
    part = Part("guess", spec(), None, [NewChunk(0, 1, pack_map([(1,)]))], 1)
    assert Jobs(world.dispatcher, 2).submit(part).missing_function, "whether another has it is not told"
    assert Jobs(world.dispatcher, 1).submit(part).jids
    world.map(1, account=2)
    assert Jobs(world.dispatcher, 2).submit(part).jids


def test_naming_jobs_of_everybody_reads_nothing_of_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(30):
        world.map(1)
    mine = world.map(2, account=2)
    monkeypatch.setattr("cloud.dispatch.naming.AT_ONCE", 5)
    read: list[Submission] = []
    at_jids = world.store.at_jids

    def counted(jids: range, most: int | None = None) -> list[Submission]:
        found: list[Submission] = at_jids(jids, most)
        read.extend(found)
        return found

    monkeypatch.setattr(world.store, "at_jids", counted)
    theirs = Jobs(world.dispatcher, 2)
    for everybodys in (range(1, 1 << 40), range(mine.start, 1 << 40), range(mine.start - 1, mine.stop)):
        with pytest.raises(JobNotFound):
            theirs.status((everybodys,))
    assert len(read) <= 8
    assert len(world.jobs.status((range(1, 31),))) == 30


def test_who_has_too_much_is_refused_before_anything_is_put_into_a_far_store(world: World) -> None:
    limit(world, stored_bytes=10_000)
    usage = world.dispatcher.usage
    for _ in range(3):  # it is counted when it is stored, and not before
        usage.refuse_early(2, 6_000)
    with pytest.raises(LimitExceeded, match="it has 0, and 10,001 more would come"):
        usage.refuse_early(2, 10_001)
    usage.refuse_early(1, 1 << 40)
