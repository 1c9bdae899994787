"""S59: `cloud.files` on a real server: in programs and jobs, across a crash, in flat memory, over HTTP."""

import glob
import hashlib
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
import cloud.mp
from cloud import files
from cloud.api import MAX_PIECE_BYTES
from cloud.client import sessions
from cloud.config.values import VALUES
from tests.support.served import Served
from tests.support.waiting import eventually

MEGABYTE = 1 << 20


@pytest.fixture
def fresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `cloud` that starts a server in a directory of its own."""
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    monkeypatch.setenv("PICLOUD_NUM_PROCS", "2")
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "2")
    before = sessions.activate(None)
    yield home
    sessions.close_all()
    VALUES.choose({})
    sessions.activate(before)


def card(home: Path) -> dict[str, Any]:
    """What the server of this directory says of itself."""
    (found,) = glob.glob(str(home / "server" / "*" / "server.json"))
    return dict(json.loads(Path(found).read_text()))


def blobs(home: Path) -> list[str]:
    """Files that hold pieces."""
    return glob.glob(str(home / "server" / "*" / "blobs" / "files" / "*" / "*"))


def double(name: str) -> str:
    """A job that reads a file and writes another."""
    import cloud

    with cloud.files.getf(name) as source:
        cloud.files.putf(source.read() * 2, f"twice/{name}")
    return cloud.files.get_md5(f"twice/{name}")


def test_programs_and_jobs_of_a_server_share_files(fresh: Path) -> None:
    files.putf(b"abc", "name")
    assert cloud.result(cloud.call(double, "name")) == hashlib.md5(b"abcabc").hexdigest()
    assert files.list() == ["name", "twice/name"]
    assert files.getf("twice/name").read() == b"abcabc"


def test_jobs_of_mp_use_the_files_of_the_server(fresh: Path) -> None:
    files.putf(b"abc", "name")
    assert cloud.mp.result(cloud.mp.call(double, "name")) == hashlib.md5(b"abcabc").hexdigest()
    assert files.getf("twice/name").read() == b"abcabc"
    cloud.mp.close()


@pytest.mark.parametrize("inline", ["0", "1"])
def test_files_are_not_simulated(fresh: Path, inline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S59: in the simulator, too, they are the server's; jobs and results are the simulator's."""
    monkeypatch.setenv("PICLOUD_SIMULATOR_INLINE", inline)
    files.putf(b"abc", "name")
    cloud.start_simulator()
    assert files.getf("name").read() == b"abc"
    assert cloud.is_simulated()
    assert cloud.result(cloud.call(double, "name")) == hashlib.md5(b"abcabc").hexdigest()
    sessions.close_all()
    assert not cloud.is_simulated()
    assert files.getf("twice/name").read() == b"abcabc"


class Interrupted(io.RawIOBase):
    """A source whose reader loses the server after the first piece."""

    def __init__(self, data: bytes, home: Path) -> None:
        self._data = io.BytesIO(data)
        self._home = home
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        self._reads += 1
        if self._reads == 3:
            os.kill(card(self._home)["pid"], signal.SIGKILL)
        return self._data.read(size)


def test_a_put_goes_on_when_the_server_crashes(fresh: Path) -> None:
    data = os.urandom(2 * MAX_PIECE_BYTES + 1000)
    files.putf(b"old", "name")
    files.putf(Interrupted(data, fresh), "name")  # type: ignore[arg-type]
    assert files.getf("name").read() == data
    files.delete("name")
    eventually(lambda: not blobs(fresh), what="end of the blobs of a deleted file")


def test_an_open_file_outlives_the_server(fresh: Path) -> None:
    data = os.urandom(2 * MEGABYTE)
    files.putf(data, "name")
    with files.getf("name") as found:
        first = found.read(10)
        os.kill(card(fresh)["pid"], signal.SIGKILL)
        assert first + found.read() == data


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of resident memory can be reset on Linux only")
def test_memory_stays_flat_on_both_sides(fresh: Path, tmp_path: Path) -> None:
    """Both hold a few pieces, whatever the size."""
    source, back = tmp_path / "source", tmp_path / "back"
    with source.open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * MEGABYTE)
    files.putf(b"x", "small")
    pids = [os.getpid(), card(fresh)["pid"]]
    assert all(peak(pid) for pid in pids)
    before = [peak(pid) for pid in pids]
    files.put(source, "large")
    files.get("large", back)
    grown = [peak(pid) - then for pid, then in zip(pids, before, strict=True)]
    assert max(grown) < 32 * MEGABYTE
    assert back.read_bytes()[::MEGABYTE] == bytes(range(64))


def peak(pid: int) -> int:
    """The most resident memory, in bytes, since this was last asked."""
    (line,) = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM")]
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(line.split()[1]) * 1024


# --- for people and other languages


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "1")
    yield served
    assert served.end() == 0


def test_a_file_is_put_listed_got_and_deleted_over_http(server: Served) -> None:
    data = os.urandom(MAX_PIECE_BYTES + 1000)
    path = "/v1/files/folder/a%20b%2Fc%3F%C3%BC"
    status, _, body = server.request("PUT", path, data)
    assert status == 201
    about = json.loads(body)
    assert (about["name"], about["size_bytes"]) == ("folder/a b/c?ü", len(data))
    assert about["md5"] == hashlib.md5(data).hexdigest()
    status, headers, body = server.request("GET", path)
    assert (status, body) == (200, data)
    assert headers["ETag"] == f'"{about["md5"]}"'
    assert headers["Content-Disposition"] == "attachment"
    assert headers["X-Content-Type-Options"] == "nosniff"
    listed = json.loads(server.request("GET", "/v1/files?prefix=folder/")[2])["files"]
    assert [file["name"] for file in listed] == ["folder/a b/c?ü"]
    assert server.request("DELETE", path)[0] == 200
    assert [server.request(method, path)[0] for method in ("GET", "HEAD", "DELETE")] == [404] * 3


def test_ranges_over_http(server: Served) -> None:
    server.request("PUT", "/v1/files/digits", b"0123456789")

    def ranged(wanted: str) -> tuple[int, bytes, str | None]:
        status, headers, body = server.request(
            "GET", "/v1/files/digits", headers={**server.authorization, "Range": wanted}
        )
        return status, body, headers["Content-Range"]

    assert ranged("bytes=2-4") == (206, b"234", "bytes 2-4/10")
    assert ranged("bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert ranged("bytes=-3") == (206, b"789", "bytes 7-9/10")
    assert ranged("bytes=8-99") == (206, b"89", "bytes 8-9/10")
    assert ranged("bytes=1-2,4-5")[:2] == (200, b"0123456789")
    assert ranged("bytes=10-")[0] == 416
    assert ranged("bytes=-0")[0] == 416
    assert ranged("bytes=-99") == (206, b"0123456789", "bytes 0-9/10")
    status, headers, body = server.request("HEAD", "/v1/files/digits")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")


def test_files_over_http_need_a_key_and_a_name(server: Served) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert server.request(method, "/v1/files/secret", b"", headers={})[0] == 401
    assert server.request("PUT", "/v1/files/a/../../b", b"x")[0] == 400
    assert server.request("PUT", "/v1/files//etc/passwd", b"x")[0] == 400
    other = {**server.authorization, "Origin": "http://evil.example"}
    assert server.request("PUT", "/v1/files/name", b"x", headers=other)[0] == 403
