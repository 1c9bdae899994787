"""Files in a store: names, versions, pieces, and which blobs are left over."""

from typing import Any

from cloud.model import BlobRef
from tests.support.stores import NOW, later


def put(store: Any, name: str, *blobs: str, account: int = 1) -> tuple[int, list[str]]:
    """A file of one byte pieces in these blobs; its fid, and the blobs it replaced."""
    with store.transaction():
        fid = store.upload(account, f"token of {name} {blobs}", NOW).fid
        for start, blob in enumerate(blobs):
            store.add_file_piece(fid, start, BlobRef(blob, 1))
        return fid, store.name_file(account, fid, name, len(blobs), "md5", NOW)


def test_an_upload_is_found_by_its_token(store: Any) -> None:
    with store.transaction():
        first = store.upload(1, "token", NOW)
    with store.transaction():
        again = store.upload(1, "token", later(5))
        other = store.upload(2, "token", NOW)
    assert first.fid == again.fid != other.fid
    assert first.name == ""
    assert store.list_files(1, "", "", 10) == []
    assert not store.has_file(1, first.fid)


def test_a_piece_is_found_by_any_of_its_bytes(store: Any) -> None:
    with store.transaction():
        fid = store.upload(1, "token", NOW).fid
        store.add_file_piece(fid, 0, b"abc")
        store.add_file_piece(fid, 3, BlobRef("files/1/1-3", 5))
        store.add_file_piece(fid, 0, b"xyz")
        store.name_file(1, fid, "name", 8, "md5", NOW)
    assert store.file_extents(fid) == [(0, 3), (3, 5)]
    assert store.file_piece(1, fid, 2) == (0, b"abc")
    assert store.file_piece(1, fid, 7) == (3, BlobRef("files/1/1-3", 5))
    assert store.file_piece(1, fid, 8) is None
    assert store.file_piece(2, fid, 0) is None
    assert store.file_bytes() == 5


def test_replaced_and_deleted_files_leave_their_blobs_over(store: Any) -> None:
    first, nothing = put(store, "name", "files/1/a", "files/1/b")
    assert nothing == []
    second, left = put(store, "name", "files/1/c")
    assert left == ["files/1/a", "files/1/b"]
    assert second > first
    assert store.referenced(["files/1/a", "files/1/c"]) == {"files/1/c"}
    with store.transaction():
        assert store.delete_file(second) == ["files/1/c"]
    assert store.find_file(1, "name") is None
    assert put(store, "name", "files/1/d")[0] > second


def test_accounts_have_names_of_their_own(store: Any) -> None:
    put(store, "name", "files/1/a")
    _, left = put(store, "name", "files/2/a", account=2)
    assert left == []
    assert [f.name for f in store.list_files(2, "", "", 10)] == ["name"]
    assert store.find_file(3, "name") is None


def test_only_incomplete_files_fall_silent(store: Any) -> None:
    put(store, "complete", "files/1/a")
    with store.transaction():
        silent = store.upload(1, "silent", NOW).fid
        store.upload(1, "lively", NOW)
    with store.transaction():
        store.upload(1, "lively", later(100))
    assert list(store.silent_uploads(later(50), 10)) == [silent]
