"""`cloud.files`, on files of a core in this process: paths, stretches, digests."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud import files
from cloud.api import MAX_PIECE_BYTES
from cloud.client import download
from cloud.dispatch.files import Files
from cloud.errors import FileDamaged, FileNotFound
from cloud.model import Buffer
from tests.support.world import World


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Files]:
    world = World()
    made = Files(world.dispatcher, 1)
    monkeypatch.setattr(files, "_api", lambda: made)
    monkeypatch.chdir(tmp_path)
    yield made
    world.stop()


def test_put_takes_the_last_part_of_the_path_as_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a b.csv"
    path.write_bytes(b"1,2")
    files.put(path)
    files.put(str(path), "reports/b.csv")
    assert files.list() == ["a b.csv", "reports/b.csv"]
    assert files.exists("reports/b.csv")
    assert not files.exists("b.csv")
    assert files.get_md5("a b.csv") == hashlib.md5(b"1,2").hexdigest()


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (b"bytes", b"bytes"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view"), b"view"),
        ("Übel", "Übel".encode()),
        (io.BytesIO(b"file"), b"file"),
        (io.StringIO("τέξτ"), "τέξτ".encode()),
        (b"", b""),
    ],
)
def test_putf_takes_bytes_text_and_open_files(given: Any, stored: bytes) -> None:
    files.putf(given, "name")
    assert files.getf("name").read() == stored


def test_putf_reads_from_where_the_file_stands_and_leaves_it_open() -> None:
    source = io.BytesIO(b"0123456789")
    source.seek(7)
    files.putf(source, "name")
    assert files.getf("name").read() == b"789"
    assert not source.closed


def test_large_files_go_in_pieces_and_come_back(tmp_path: Path) -> None:
    data = os.urandom(2 * MAX_PIECE_BYTES + 12345)
    files.putf(io.BytesIO(data), "bytes")
    files.putf(io.StringIO("ü" * (MAX_PIECE_BYTES - 1)), "text")
    files.get("bytes", "back")
    assert (tmp_path / "back").read_bytes() == data
    assert files.getf("text").read() == ("ü" * (MAX_PIECE_BYTES - 1)).encode()
    assert files.getf("bytes", MAX_PIECE_BYTES - 3, MAX_PIECE_BYTES + 4).read() == data[MAX_PIECE_BYTES - 3 :][:7]


def test_a_pipe_that_gives_little_at_a_time_is_read_to_its_end() -> None:
    class Trickle(io.RawIOBase):
        left = 100

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"ab" if self.left >= 0 else b""

    files.putf(Trickle(), "name")  # type: ignore[arg-type]
    assert files.getf("name").read() == b"ab" * 100


def test_get_makes_the_folders_that_a_name_needs(tmp_path: Path) -> None:
    files.putf(b"x", "a/b/c.txt")
    files.get("a/b/c.txt")
    files.get("a/b/c.txt", tmp_path)
    files.get("a/b/c.txt", "new/")
    files.get("a/b/c.txt", "other/name")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "a/b/c.txt", "c.txt", "new/c.txt", "other/name",
    ]  # fmt: skip


@pytest.mark.parametrize(("start", "end"), [(0, None), (3, None), (0, 4), (2, 5), (8, 100), (20, 30), (5, 2), (0, 0)])
def test_stretches_are_those_of_slices(tmp_path: Path, start: int, end: int | None) -> None:
    files.putf(b"0123456789", "name")
    files.get("name", "local", start, end)
    assert (tmp_path / "local").read_bytes() == b"0123456789"[start:end]
    with files.getf("name", start, end) as found:
        assert found.end() == len(b"0123456789"[start:end])
        assert found.filesize() == 10
        assert found.read() == b"0123456789"[start:end]


def test_what_is_no_stretch_is_refused() -> None:
    files.putf(b"0123456789", "name")
    with pytest.raises(ValueError, match="start_byte is -1"):
        files.getf("name", -1)
    with pytest.raises(TypeError, match="end_byte must be"):
        files.get("name", "local", 0, "5")  # type: ignore[arg-type]


def test_an_open_file_reads_like_any_other() -> None:
    files.putf("one\ntwo\nthree\n", "name")
    with files.getf("name") as found:
        assert found.readline() == b"one\n"
        assert found.tell() == 4
        assert list(found) == [b"two\n", b"three\n"]
        assert found.seek(-6, os.SEEK_END) == 8
        assert io.TextIOWrapper(found).read() == "three\n"
    part = files.getf("name", 4, 7)
    assert part.seek(1) == 1
    assert part.readlines() == [b"wo"]
    assert (part.name, part.md5) == ("name", files.get_md5("name"))
    with pytest.raises(ValueError, match="before the beginning"):
        part.seek(-9, os.SEEK_CUR)


@pytest.mark.parametrize("bad", ["", "/abs", "../up", "a/../../b", "zero\0"])
def test_names_that_cannot_be_are_refused_by_name_before_anything_is_sent(bad: str) -> None:
    for use in (files.get, files.getf, files.exists, files.delete, files.get_md5, files.sync_from_cloud):
        with pytest.raises(ValueError, match=rf"cloud\.files\.{use.__name__}: a file cannot be called"):
            use(bad)
    with pytest.raises(ValueError, match="putf"):
        files.putf(b"", bad)
    with pytest.raises(TypeError, match="must be text"):
        files.getf(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="putf: expected bytes"):
        files.putf(7, "name")  # type: ignore[arg-type]


def test_what_is_not_there_says_which() -> None:
    for use in (files.get, files.getf, files.delete, files.get_md5, files.sync_from_cloud):
        with pytest.raises(FileNotFound, match="no file 'nothing'"):
            use("nothing")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        files.put("nowhere", "name")
    assert files.list() == []
    assert os.listdir(".") == []


def test_sync_transfers_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"one")
    assert files.sync_to_cloud(path)
    assert not files.sync_to_cloud(path, "data")
    assert not files.sync_from_cloud("data", path)
    path.write_bytes(b"two")
    assert files.sync_to_cloud(path)
    path.write_bytes(b"ten")
    assert files.sync_from_cloud("data")
    assert path.read_bytes() == b"two"
    path.unlink()
    assert files.sync_from_cloud("data")
    assert path.read_bytes() == b"two"


def test_a_local_file_is_replaced_only_by_a_whole_one(
    api: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "local"
    path.write_bytes(b"before")
    path.chmod(0o600)
    files.putf(b"after", "name")
    monkeypatch.setattr(api, "read_file", lambda *_: b"AFTER")
    with pytest.raises(FileDamaged, match="'name' arrived damaged"):
        files.get("name", path)
    with pytest.raises(FileDamaged):
        files.getf("name").read()
    assert os.listdir(tmp_path) == ["local"]
    assert path.read_bytes() == b"before"
    monkeypatch.undo()
    download.fetch(api, "name", str(path))
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_replaced_meanwhile_is_got_again(
    api: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = os.urandom(MAX_PIECE_BYTES + 5)
    files.putf(data, "name")
    reader = files.getf("name")
    read, calls = api.read_file, list[int]()

    def replacing(fid: int, start: int, size_bytes: int) -> Buffer:
        calls.append(start)
        if len(calls) == 2:
            files.putf(b"new", "name")
        return read(fid, start, size_bytes)

    monkeypatch.setattr(api, "read_file", replacing)
    files.get("name", "local")
    assert (tmp_path / "local").read_bytes() == b"new"
    with pytest.raises(FileNotFound, match="replaced while it was being read"):
        reader.read()
