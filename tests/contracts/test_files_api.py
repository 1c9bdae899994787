"""S59: every promise of `FilesApi`, which is real everywhere, kept by every speaker."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.api import MAX_PIECE_BYTES, FilePiece, FilesApi
from cloud.client.http import HttpApi
from cloud.client.remote import RemoteApi
from cloud.dispatch.dispatcher import Dispatcher
from cloud.dispatch.files import Files
from cloud.errors import FileNotFound, InvalidSubmission, StoreFull
from cloud.local import Pool
from cloud.stores.blobs import FolderBlobs
from cloud.stores.sqlite import SQLiteStore
from cloud.testing import ManualClock, ScriptedEngine
from tests.support.job_apis import SPEAKERS, speaker


@pytest.fixture(scope="module", params=SPEAKERS)
def api(request: pytest.FixtureRequest) -> Iterator[FilesApi]:
    with speaker(request.param) as found:
        if isinstance(found, Pool):
            yield found.core.files()
        else:
            assert isinstance(found, RemoteApi)
            yield found


@pytest.fixture
def name() -> str:
    return f"folder/{uuid.uuid4().hex}.dat"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def piece(start: int, data: bytes) -> FilePiece:
    return FilePiece(start, data, md5(data))


def put(api: FilesApi, name: str, data: bytes, size: int = MAX_PIECE_BYTES) -> str:
    """In pieces of `size` bytes; returns the token."""
    token = uuid.uuid4().hex
    for start in range(0, len(data), size):
        api.put_piece(token, piece(start, data[start : start + size]))
    api.put_file(token, name, len(data), md5(data))
    return token


def content(api: FilesApi, name: str) -> bytes:
    file = api.find_file(name)
    data = b""
    while more := api.read_file(file.fid, len(data), 1 << 20):
        data += bytes(more)
    assert len(data) == file.size_bytes
    return data


@pytest.mark.parametrize("size", [0, 1, 1000, 32 << 10, (32 << 10) + 1, 300_000])
def test_what_is_put_is_read(api: FilesApi, name: str, size: int) -> None:
    data = os.urandom(size)
    put(api, name, data, 100_000)
    assert content(api, name) == data
    assert api.find_file(name).md5 == md5(data)


def test_a_small_file_takes_one_call(api: FilesApi, name: str) -> None:
    file = api.put_file("t" + name[:50], name, 5, md5(b"small"), piece(0, b"small"))
    assert (file.name, file.size_bytes, file.md5) == (name, 5, md5(b"small"))
    assert content(api, name) == b"small"
    found = api.find_file(name)
    assert found.fid == file.fid
    assert abs((found.put_at - file.put_at).total_seconds()) < 0.001


def test_any_bytes_can_be_asked_for(api: FilesApi, name: str) -> None:
    data = os.urandom(250_000)
    put(api, name, data, 100_000)
    fid = api.find_file(name).fid
    assert bytes(api.read_file(fid, 99_990, 10)) == data[99_990:100_000]
    assert bytes(api.read_file(fid, 100_001, 7)) == data[100_001:100_008]
    assert bytes(api.read_file(fid, 249_999, 100)) == data[-1:]
    assert bytes(api.read_file(fid, 250_000, 100)) == b""
    assert data[99_990:].startswith(bytes(api.read_file(fid, 99_990, 1000)))


def test_every_call_may_be_repeated(api: FilesApi, name: str) -> None:
    token = uuid.uuid4().hex
    for _ in range(2):
        api.put_piece(token, piece(0, b"abc"))
    first = api.put_file(token, name, 6, md5(b"abcdef"), piece(3, b"def"))
    again = api.put_file(token, name, 6, md5(b"abcdef"), piece(3, b"def"))
    api.put_piece(token, piece(0, b"xyz"))
    assert first.fid == again.fid
    assert content(api, name) == b"abcdef"
    for _ in range(2):
        api.delete_file(name)


def test_a_file_appears_and_is_replaced_whole(api: FilesApi, name: str) -> None:
    token = uuid.uuid4().hex
    api.put_piece(token, piece(0, b"old"))
    with pytest.raises(FileNotFound, match=name):
        api.find_file(name)
    api.put_file(token, name, 3, md5(b"old"))
    old = api.find_file(name)
    token = uuid.uuid4().hex
    api.put_piece(token, piece(0, b"n"))
    assert content(api, name) == b"old"
    api.put_file(token, name, 3, md5(b"new"), piece(1, b"ew"))
    assert content(api, name) == b"new"
    with pytest.raises(FileNotFound):
        api.read_file(old.fid, 0, 3)


def test_files_that_are_not_all_there_get_no_name(api: FilesApi, name: str) -> None:
    token = uuid.uuid4().hex
    api.put_piece(token, piece(0, b"abc"))
    api.put_piece(token, piece(4, b"e"))
    with pytest.raises(InvalidSubmission, match="3 bytes of 5"):
        api.put_file(token, name, 5, md5(b"abcde"))
    api.put_piece(token, piece(3, b"d"))
    api.put_file(token, name, 5, md5(b"abcde"))
    assert content(api, name) == b"abcde"


def test_damage_on_the_way_is_noticed(api: FilesApi, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(api, HttpApi):
        monkeypatch.setattr(api, "_give_up_seconds", 0.0)  # such requests may be sent again, and are
    with pytest.raises(InvalidSubmission, match="damaged"):
        api.put_piece("damaged", FilePiece(0, b"abc", md5(b"abd")))
    with pytest.raises(InvalidSubmission, match="damaged"):
        api.put_file("damaged", name, 3, md5(b"abd"), piece(0, b"abc"))
    with pytest.raises(FileNotFound):
        api.find_file(name)


@pytest.mark.parametrize("bad", ["", "/etc/passwd", "a/../b", "..", "a\0b", "x" * 1025])
def test_some_names_are_refused_by_name(api: FilesApi, bad: str) -> None:
    with pytest.raises(InvalidSubmission, match="cannot be called"):
        api.put_file(uuid.uuid4().hex, bad, 1, md5(b"x"), piece(0, b"x"))


@pytest.mark.parametrize("good", ["ü/日本 .txt", "..a", "a..b/c", "'quoted\" \\ %2F ?#", "a//b", "."])
def test_any_other_text_is_a_name(api: FilesApi, good: str) -> None:
    api.put_file(uuid.uuid4().hex, good, 1, md5(b"x"), piece(0, b"x"))
    assert content(api, good) == b"x"


def test_what_is_no_piece_is_refused(api: FilesApi) -> None:
    for bad in (piece(0, b""), piece(-1, b"x"), piece(0, bytes(MAX_PIECE_BYTES + 1))):
        with pytest.raises(InvalidSubmission, match="no piece"):
            api.put_piece("token", bad)
    with pytest.raises(InvalidSubmission):
        api.put_piece("", piece(0, b"x"))
    with pytest.raises(InvalidSubmission):
        api.read_file(1, -1, 1)


def test_files_are_listed_by_name_and_part_by_part(api: FilesApi) -> None:
    prefix = uuid.uuid4().hex
    names = [f"{prefix}/{i:02}_%" for i in range(5)]
    for name in reversed(names):
        api.put_file(uuid.uuid4().hex, name, 0, md5(b""))
    assert [f.name for f in api.list_files(prefix)] == names
    assert [f.name for f in api.list_files(prefix, limit=2)] == names[:2]
    assert [f.name for f in api.list_files(prefix, names[1], 2)] == names[2:4]
    assert api.list_files(prefix + "/00_%%") == []


def test_a_deleted_file_is_gone(api: FilesApi, name: str) -> None:
    put(api, name, bytes(100_000))
    fid = api.find_file(name).fid
    api.delete_file(name)
    with pytest.raises(FileNotFound):
        api.find_file(name)
    with pytest.raises(FileNotFound):
        api.read_file(fid, 0, 1)


def test_a_full_disk_refuses_a_piece_and_keeps_what_is_there(tiny_disk: Path) -> None:
    blobs = FolderBlobs(tiny_disk)
    dispatcher = Dispatcher(SQLiteStore(":memory:"), blobs, ScriptedEngine(1, 1), ManualClock())
    files = Files(dispatcher, 1)
    put(files, "name", bytes(400_000))
    with pytest.raises(StoreFull):
        files.put_piece("large", piece(0, bytes(MAX_PIECE_BYTES)))
    assert content(files, "name") == bytes(400_000)
    assert list(blobs.names()) == ["files/1/1-0-400000"]
    files.delete_file("name")
    put(files, "other", bytes(500_000))
    assert content(files, "other") == bytes(500_000)
    dispatcher.store.close()
    dispatcher.engine.abandon()


def test_a_piece_that_comes_again_in_another_size_changes_nothing(api: FilesApi, name: str) -> None:
    token, data = uuid.uuid4().hex, os.urandom(100_000)
    api.put_piece(token, piece(0, data))
    api.put_piece(token, piece(0, b"x" * 70_000))
    api.put_file(token, name, len(data), md5(data))
    assert content(api, name) == data
