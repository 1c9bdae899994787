"""What is left over of files is collected: given up uploads, and blobs that a crash orphaned. Accounts keep apart."""

import hashlib

import pytest

from cloud.api import FilePiece
from cloud.dispatch.files import Files
from cloud.dispatch.retention import Limits, Retention
from cloud.errors import FileNotFound, InvalidSubmission
from cloud.model import INLINE_MAX_BYTES
from tests.support.world import World

LARGE = bytes(INLINE_MAX_BYTES + 1)


def piece(start: int, data: bytes) -> FilePiece:
    return FilePiece(start, data, hashlib.md5(data).hexdigest())


def tidy(world: World, limits: Limits | None = None) -> None:
    Retention(world.dispatcher, limits or Limits(), orphan_age_seconds=0).work()


def test_an_upload_that_fell_silent_is_forgotten_with_its_blobs() -> None:
    world = World()
    files = Files(world.dispatcher, 1)
    files.put_piece("given up", piece(0, LARGE))
    files.put_piece("slow", piece(0, LARGE))
    world.clock.advance(2400)
    files.put_piece("slow", piece(len(LARGE), b"more"))
    world.clock.advance(2400)
    tidy(world)
    assert len(list(world.blobs.names())) == 1
    files.put_file("slow", "name", len(LARGE) + 4, "md5")
    world.clock.advance(1e6)
    tidy(world)
    assert bytes(files.read_file(files.find_file("name").fid, 0, 1 << 20)) == LARGE
    world.stop()


def test_replaced_and_deleted_files_leave_no_blobs() -> None:
    world = World()
    files = Files(world.dispatcher, 1)
    for token in ("a", "b"):
        files.put_piece(token, piece(0, LARGE))
        files.put_file(token, "name", len(LARGE), hashlib.md5(LARGE).hexdigest())
        assert len(list(world.blobs.names())) == 1
    files.delete_file("name")
    assert list(world.blobs.names()) == []
    world.stop()


def test_blobs_of_files_that_a_crash_orphaned_are_collected_and_others_are_not() -> None:
    world = World()
    files = Files(world.dispatcher, 1)
    files.put_piece("a", piece(0, LARGE))
    world.blobs.put("files/1/77-0", [b"written before the commit that never came"])
    tidy(world)
    assert list(world.blobs.names()) == ["files/1/1-0-32769"]
    world.stop()


def test_files_do_not_push_out_jobs() -> None:
    world = World()
    jids = world.map(3)
    world.run_all()
    Files(world.dispatcher, 1).put_piece("a", piece(0, bytes(1 << 20)))
    tidy(world, Limits(max_bytes=1 << 20))
    assert world.status(jids) == ["done"] * 3
    world.stop()


def test_an_account_sees_its_own_files_only() -> None:
    world = World()
    mine, theirs = Files(world.dispatcher, 1), Files(world.dispatcher, 2)
    file = mine.put_file("token", "name", 4, hashlib.md5(b"mine").hexdigest(), piece(0, b"mine"))
    assert theirs.list_files() == []
    for look in (lambda: theirs.find_file("name"), lambda: theirs.read_file(file.fid, 0, 4)):
        with pytest.raises(FileNotFound):
            look()
    theirs.delete_file("name")
    with pytest.raises(InvalidSubmission, match="not all here"):
        theirs.put_file("token", "stolen", 4, hashlib.md5(b"mine").hexdigest())
    assert bytes(mine.read_file(mine.find_file("name").fid, 0, 4)) == b"mine"
    world.stop()
