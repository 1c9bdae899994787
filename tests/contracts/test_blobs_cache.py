"""What an object store's blobs leave on this machine's disk."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from cloud.errors import StoreFull
from cloud.model import BlobRef, Buffer
from cloud.stores.blobs import FolderBlobs
from cloud.stores.blobs.cache import BlobCache
from tests.contracts.test_blobs import from_fd, object_blobs
from tests.support.objects import object_store


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A real object store; URLs of prefixes in it."""
    with object_store(tmp_path_factory.mktemp("objects") / "buckets") as url_of:
        yield url_of


def test_a_machine_fetches_an_object_once(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = object_blobs(objects, tmp_path / "cache", monkeypatch)
    blobs.put("code/ab", [b"once"])
    monkeypatch.setattr(blobs, "_fetch", lambda name: pytest.fail(f"{name} was fetched"))
    assert bytes(blobs.read("code/ab")) == from_fd(blobs.open("code/ab")) == b"once"


def test_what_one_process_of_a_machine_fetched_the_others_have(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (object_blobs(lambda _: objects("shared"), tmp_path / "cache", monkeypatch) for _ in range(2))
    one.put("code/ab", [b"once"])
    one._cache.drop(["code/ab"])
    fetched: list[str] = []
    for blobs in (one, other):
        monkeypatch.setattr(blobs, "_fetch", partial(_noting, blobs._fetch, fetched))
    threads = [threading.Thread(target=blobs.read, args=("code/ab",)) for blobs in (one, other) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == ["code/ab"]
    assert bytes(other.read("code/ab")) == b"once"


def _noting(fetch: Callable[[str], None], fetched: list[str], name: str) -> None:
    fetched.append(name)
    fetch(name)


def test_a_cache_that_others_fill_too_is_kept_small(tmp_path: Path) -> None:
    one, other = (BlobCache(tmp_path / "cache", 10_000) for _ in range(2))
    for i in range(40):
        (one, other)[i % 2].put(f"results/{i}/0-1", [bytes(1000)])
        assert one.open("results/0/0-1") is not None
    left = FolderBlobs(tmp_path / "cache", shared=True)
    assert left.size_bytes() <= 11_000
    assert {"results/0/0-1", "results/39/0-1"} <= set(left.names())
    assert sum(1 for _ in (tmp_path / "cache" / "results").iterdir()) <= 11


def test_a_cache_makes_room_for_what_is_needed_where_the_disk_is_full(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = object_blobs(objects, tmp_path / "cache", monkeypatch)
    for name in "ab":
        blobs.put(name, [name.encode() * 1000])
    blobs._cache.drop(["a"])
    on_disk, put = FolderBlobs(tmp_path / "cache"), FolderBlobs.put

    def full(self: FolderBlobs, name: str, parts: Iterable[Buffer]) -> BlobRef:
        if list(on_disk.names()):
            raise StoreFull("the disk is full")
        return put(self, name, parts)

    monkeypatch.setattr(FolderBlobs, "put", full)
    assert bytes(blobs.read("a")) == b"a" * 1000
    assert list(on_disk.names()) == ["a"]
    assert bytes(blobs.read("b")) == b"b" * 1000


def test_the_cache_forgets_what_was_used_longest_ago(
    objects: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = object_blobs(objects, tmp_path / "cache", monkeypatch, cache_bytes=2500)
    for name in ("a", "b"):
        blobs.put(name, [bytes(1000)])
    blobs.read("a")
    blobs.put("c", [bytes(1000)])
    assert sorted(FolderBlobs(tmp_path / "cache").names()) == ["a", "c"]
    assert bytes(blobs.read("b")) == bytes(1000)
    assert sorted(blobs.names()) == ["a", "b", "c"]
