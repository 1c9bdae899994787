"""The Blobs contract, on a folder (with unnamed files and without) and in memory."""

import contextlib
import errno
import http.client
import itertools
import mmap
import os
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloud.dispatch.ports import Blobs
from cloud.errors import CloudException, ServerUnavailable, StoreFull
from cloud.model import BlobRef
from cloud.stores.blobs import FolderBlobs, MemoryBlobs, folder
from cloud.stores.blobs.objects import ObjectBlobs
from tests.support.objects import KEYS, object_store

SIZES = [0, 1, 40_000, 3_000_001]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A real object store; URLs of prefixes in it."""
    with object_store(tmp_path_factory.mktemp("objects") / "buckets") as url_of:
        yield url_of


@pytest.fixture(params=["memory", "folder", "folder-without-unnamed-files", "objects"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    """An empty store of blobs of each kind."""
    blobs: Blobs
    if request.param == "memory":
        blobs = MemoryBlobs()
    elif request.param == "objects":
        blobs = object_blobs(request.getfixturevalue("objects"), tmp_path / "cache", monkeypatch)
    else:
        if request.param == "folder-without-unnamed-files":
            monkeypatch.setattr(folder, "_LINKS_DESCRIPTORS", False)
        blobs = FolderBlobs(tmp_path / "blobs")
    yield blobs
    blobs.close()


def object_blobs(
    url_of: Callable[[str], str], cache: Path, monkeypatch: pytest.MonkeyPatch, **more: int
) -> ObjectBlobs:
    """An empty one, in a prefix of its own."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return ObjectBlobs(url_of(f"of-{next(_numbers)}"), cache, **more)


_numbers = itertools.count()


def content(size: int) -> bytes:
    """So many bytes, no two neighbourhoods alike."""
    return array("I", range(size // 4 + 1)).tobytes()[:size]


def from_fd(fd: int) -> bytes:
    """All of an open file, which is closed."""
    try:
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back(blobs: Blobs, size: int) -> None:
    data = content(size)
    assert blobs.put("args/1/0", [data[:7], memoryview(data)[7:20], bytearray(data[20:])]) == BlobRef("args/1/0", size)
    assert bytes(blobs.read("args/1/0")) == data
    assert from_fd(blobs.open("args/1/0")) == data


def test_many_small_parts_become_one_blob(blobs: Blobs) -> None:
    parts = [b"%d," % i for i in range(5000)]
    blobs.put("a", parts)
    assert bytes(blobs.read("a")) == b"".join(parts)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["spool", "memfd", "file"])
def test_an_open_file_is_adopted(blobs: Blobs, tmp_path: Path, size: int, kind: str) -> None:
    spool = blobs.spool()
    if kind == "spool" and spool is not None:
        fd = os.open(spool, os.O_RDWR | os.O_TMPFILE, 0o600)
    elif kind == "memfd":
        fd = os.memfd_create("result")
    else:
        fd = os.open(tmp_path / "result", os.O_RDWR | os.O_CREAT)
    data = content(size)
    os.write(fd, data)
    name = "results/12/3456-1"
    assert blobs.adopt(name, fd) == BlobRef(name, size)
    os.close(fd)
    assert bytes(blobs.read(name)) == data
    assert blobs.size_bytes() == size


@pytest.mark.parametrize("size", SIZES)
def test_what_was_read_can_be_changed_without_changing_the_blob(blobs: Blobs, size: int) -> None:
    blobs.put("a", [content(size)])
    view = memoryview(blobs.read("a"))
    assert not view.readonly
    if size:
        view[0] = 0xEE
    assert bytes(blobs.read("a")) == content(size)


@pytest.mark.parametrize("size", [40_000, 3_000_001])
def test_an_opened_blob_can_be_mapped_but_not_written(blobs: Blobs, size: int) -> None:
    blobs.put("a", [content(size)])
    fd = blobs.open("a")
    with mmap.mmap(fd, 0, access=mmap.ACCESS_COPY) as private:
        private[0] = 0xEE
        assert private[1:] == content(size)[1:]
    os.close(fd)
    assert bytes(blobs.read("a")) == content(size)


def test_what_is_not_there_is_not_found(blobs: Blobs) -> None:
    for name in ("a", "a/b"):
        with pytest.raises(FileNotFoundError):
            blobs.read(name)
        with pytest.raises(FileNotFoundError):
            blobs.open(name)
    blobs.delete(["a", "a/b"])


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "../a", "a/../b", "a/..", ".", "a/.b", "a\\b", "a b", "ä", "a/", "a\n"]
)
def test_strange_names_are_refused(blobs: Blobs, name: str) -> None:
    for use in (blobs.read, blobs.open, blobs.create, lambda n: blobs.put(n, [b""]), lambda n: blobs.delete([n])):
        with pytest.raises(ValueError, match="not the name of a blob"):
            use(name)
    with pytest.raises(ValueError, match="not the name of a blob"):
        blobs.adopt(name, 0)


def test_writing_again_replaces(blobs: Blobs) -> None:
    blobs.put("a/b", [b"first"])
    before = blobs.open("a/b")
    blobs.put("a/b", [b"second time"])
    assert bytes(blobs.read("a/b")) == b"second time"
    assert from_fd(before) == b"first"
    assert (list(blobs.names()), blobs.size_bytes()) == (["a/b"], 11)


def test_names_and_sizes_follow_what_is_there(blobs: Blobs) -> None:
    assert (list(blobs.names()), blobs.size_bytes()) == ([], 0)
    for i, name in enumerate(["functions/ab", "args/1/0", "args/1/500", "results/1/0-1"]):
        blobs.put(name, [bytes(10 + i)])
    assert sorted(blobs.names()) == ["args/1/0", "args/1/500", "functions/ab", "results/1/0-1"]
    assert (list(blobs.names(older_than_seconds=3600)), blobs.size_bytes()) == ([], 46)
    blobs.delete(["args/1/0", "args/1/500", "nothing"])
    assert sorted(blobs.names()) == ["functions/ab", "results/1/0-1"]
    assert blobs.size_bytes() == 23


@pytest.mark.parametrize("size", SIZES)
def test_a_blob_can_arrive_bit_by_bit(blobs: Blobs, size: int) -> None:
    data = content(size)
    with blobs.create("args/1/0") as new:
        for start in range(0, size, 100_000):
            new.write(data[start : start + 100_000])
        assert list(blobs.names()) == []
    assert new.ref == BlobRef("args/1/0", size)
    assert bytes(blobs.read("args/1/0")) == data
    new.abort()
    with pytest.raises(ValueError, match="written already"):
        new.write(b"more")
    with pytest.raises(ValueError, match="written already"):
        new.commit()
    assert bytes(blobs.read("args/1/0")) == data


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_an_aborted_blob_leaves_nothing(blobs: Blobs, tmp_path: Path, size: int) -> None:
    with pytest.raises(KeyError), blobs.create("a") as new:
        new.write(bytes(size))
        raise KeyError
    other = blobs.create("b")
    other.write(bytes(size))
    other.abort()
    assert (list(blobs.names()), blobs.size_bytes()) == ([], 0)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_leaves_nothing_behind(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs.put("kept", [b"kept"])
    real = os.writev

    def full(fd: int, views: list[memoryview]) -> int:
        if sum(v.nbytes for v in views) > 1000:
            return real(fd, [views[0][:1000]])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(StoreFull, match="the disk is full"):
        blobs.put("large", [content(3_000_000)])
    with pytest.raises(StoreFull), blobs.create("larger") as new:
        new.write(content(3_000_000))
    monkeypatch.undo()
    assert list(blobs.names()) == ["kept"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) <= 1
    blobs.put("large", [content(3_000_000)])
    assert bytes(blobs.read("large")) == content(3_000_000)


# --- the folder's own


def test_a_disk_that_is_really_full_leaves_nothing_behind(tiny_disk: Path) -> None:
    blobs = FolderBlobs(tiny_disk / "blobs")
    blobs.put("kept", [content(300_000)])
    with pytest.raises(StoreFull, match="blobs cannot grow"):
        blobs.put("large", [content(3_000_000)])
    with pytest.raises(StoreFull), open("/dev/zero", "rb") as zeros:
        fd = os.memfd_create("result")
        os.write(fd, zeros.read(3_000_000))
        blobs.adopt("large", fd)
    os.close(fd)
    assert list(blobs.names()) == ["kept"]
    blobs.put("another", [content(300_000)])
    assert bytes(blobs.read("kept")) == bytes(blobs.read("another")) == content(300_000)


def test_a_spooled_file_is_adopted_without_a_copy(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    spool = blobs.spool()
    assert spool is not None
    fd = os.open(spool, os.O_RDWR | os.O_TMPFILE, 0o600)
    os.write(fd, b"result")
    blobs.adopt("results/1/0-1", fd)
    assert os.stat(tmp_path / "blobs/results/1/0-1").st_ino == os.fstat(fd).st_ino
    blobs.adopt("results/1/0-2", fd)
    assert bytes(blobs.read("results/1/0-2")) == b"result"
    os.close(fd)
    assert sorted(blobs.names()) == ["results/1/0-1", "results/1/0-2"]


def test_leftovers_of_a_crash_are_removed_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_LINKS_DESCRIPTORS", False)
    blobs = FolderBlobs(tmp_path)
    unfinished = blobs.create("a")
    unfinished.write(b"half")
    assert any(path.is_file() for path in tmp_path.rglob("*"))
    again = FolderBlobs(tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert list(again.names()) == []
    unfinished.abort()


def test_empty_folders_go_with_their_last_blob(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put("results/7/0-1", [b"x"])
    blobs.put("results/8/0-1", [b"x"])
    blobs.delete(["results/7/0-1"])
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["8"]
    blobs.put("results/7/0-1", [b"x"])
    assert bytes(blobs.read("results/7/0-1")) == b"x"


def test_blobs_in_memory_leave_the_user_most_descriptors() -> None:
    blobs = MemoryBlobs()
    before = open_memories()
    one = bytes(1 << 20)
    for i in range(300):
        blobs.put(f"results/1/{i}", [one])
    assert 0 < open_memories() - before <= 256
    assert all(len(blobs.read(f"results/1/{i}")) == len(one) for i in (0, 299))
    blobs.close()
    assert open_memories() <= before


def open_memories() -> int:
    """Descriptors of files in memory; threads that an earlier test left open and close others."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # another thread's
            found += "memfd:" in os.readlink(f"/proc/self/fd/{fd}")
    return found


# --- the object store's own


def test_a_large_object_travels_in_parts_and_comes_back_whole(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(40_000_003)
    blobs = object_blobs(objects, tmp_path / "here", monkeypatch)
    blobs.put("args/1/0", [data])
    elsewhere = ObjectBlobs(objects(f"of-{next(_numbers) - 1}"), tmp_path / "there")
    assert bytes(elsewhere.read("args/1/0")) == data


def test_a_bucket_that_does_not_exist_is_named(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    blobs = ObjectBlobs(objects("prefix").replace("s3://", "s3://no-such-"), tmp_path / "cache")
    with pytest.raises(ServerUnavailable, match="there is no bucket for s3://no-such-"):
        blobs.put("a", [b"content"])
    blobs.close()


def test_an_object_store_that_is_down_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    blobs = ObjectBlobs("s3://blobs?endpoint=http://127.0.0.1:9&region=us-east-1", tmp_path)
    monkeypatch.setattr(blobs, "_store", _without_patience("http://127.0.0.1:9"))
    with pytest.raises(ServerUnavailable, match="the blob store s3://blobs did not"):
        blobs.put("a", [b"x"])


def _without_patience(endpoint: str) -> object:
    from obstore.store import S3Store

    return S3Store(
        "blobs", config={"endpoint": endpoint, "region": "us-east-1"}, client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )  # fmt: skip


@pytest.mark.parametrize("url", ["http://blobs", "s3:///blobs", "folder", "s3://blobs?endpont=http://127.0.0.1"])
def test_a_url_that_cannot_be_meant_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(CloudException, match="blobs"):
        ObjectBlobs(url, tmp_path)


def test_what_is_there_is_found_with_its_size_unless_it_is_too_old(blobs: Blobs) -> None:
    ref = blobs.put("args/1/0", [b"abc", b"de"])
    assert blobs.find("args/1/0", younger_than_seconds=3600.0) == ref
    assert blobs.find("args/1/0", younger_than_seconds=-3600.0) is None
    assert blobs.find("args/1/1", younger_than_seconds=3600.0) is None


def test_links_read_ranges_and_write_only_what_they_are_for(blobs: Blobs) -> None:
    blobs.put("results/1/0-1", [content(40_000)])
    reading, writing = (blobs.link("results/1/0-1", "GET", 60), blobs.link("early/1/a", "PUT", 60))
    if not blobs.far:
        assert reading is writing is None
        return
    assert reading is not None
    assert writing is not None
    status, part = _ask("GET", reading, headers={"Range": "bytes=100-199"})
    assert (status, part) == (206, content(40_000)[100:200])
    assert _ask("PUT", writing, content(70_000))[0] == 200
    assert bytes(blobs.read("early/1/a")) == content(70_000)
    assert _ask("PUT", reading, b"other")[0] == 403, "a link to read does not write"
    assert _ask("GET", reading.replace("0-1", "1-1"))[0] == 403, "nor for another blob"


def _ask(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_a_cache_too_small_for_what_many_threads_want_at_once_serves_them_all(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = object_blobs(objects, tmp_path / "cache", monkeypatch, cache_bytes=100_000)
    for i in range(4):
        blobs.put(f"args/1/{i}", [bytes([i]) * 60_000])
    read: list[bool] = []

    def work(i: int) -> None:
        read.extend(bytes(blobs.read(f"args/1/{i}")) == bytes([i]) * 60_000 for _ in range(10))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [True] * 40
