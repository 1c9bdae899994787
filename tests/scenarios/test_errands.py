"""Agents whose blobs are on another machine: nothing waits for what is on its way but the jobs that need it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.engines.fleet import errands
from cloud.errors import ServerUnavailable, StoreFull
from cloud.model import BlobRef
from cloud.stores.blobs import FolderBlobs
from tests.scenarios.test_fleet import Server, times_run

LARGE = 1 << 20


class FarBlobs(FolderBlobs):
    """Nothing comes or goes while its gate is closed."""

    far = True

    def __init__(self, path: Path, gate: threading.Event, fault: list[str]) -> None:
        super().__init__(path, shared=True)
        self.gate, self.fault = gate, fault
        self.opened: list[str] = []
        self.away: list[str] = []
        """Something: the store is away, for a while."""
        self.odd: list[Exception] = []
        """Something: what nobody thought of."""
        self.asked_in_vain = 0

    def open(self, name: str) -> int:
        if threading.current_thread().name == "picloud-errands":
            assert self.gate.wait(120)
        self._refuse()
        self.opened.append(name)
        return super().open(name)

    def adopt(self, name: str, fd: int) -> BlobRef:
        assert threading.current_thread().name == "picloud-errands"
        assert self.gate.wait(120)
        self._refuse()
        return super().adopt(name, fd)

    def _refuse(self) -> None:
        for why in list(self.away):
            self.asked_in_vain += 1
            raise ServerUnavailable(why, retry=True)
        for error in list(self.odd):
            raise error
        if self.fault:
            raise ServerUnavailable(self.fault[0])


class FullBlobs(FarBlobs):
    """On a machine whose disk is full."""

    def open(self, name: str) -> int:
        raise StoreFull("the disk is full: /tmp cannot grow", retry=True)


class Far:
    """A server, and agents whose blobs are behind a gate."""

    def __init__(self, folder: Path) -> None:
        self.gate, self.fault = threading.Event(), list[str]()
        self.folder = folder
        self.blobs: list[FarBlobs] = []
        self.server = Server(folder, slots=2, open_blobs=self._open)
        self.server.until(lambda: self.server.engine.state().slots == 2)

    def _open(self) -> FarBlobs:
        self.blobs.append(FarBlobs(self.folder / "blobs", self.gate, self.fault))
        return self.blobs[-1]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    far = Far(tmp_path)
    yield far
    far.gate.set()
    far.server.engine.abandon()
    far.server.lines.end()


def test_other_jobs_run_while_arguments_are_fetched(far: Far) -> None:
    server = far.server
    large = server.map(lambda data: len(data), [b"x" * LARGE])
    small = server.map(lambda i: i + 1, list(range(10)))
    assert server.finished(small) == list(range(1, 11))
    assert server.statuses(large) == ["processing"]
    server.until(lambda: "on their way to that machine" in server.jobs.why(large.start))
    far.gate.set()
    assert server.finished(large) == [LARGE]


def test_other_jobs_run_while_a_result_is_sent(far: Far) -> None:
    server = far.server
    large = server.map(lambda i: b"x" * (4 * LARGE), [1])
    small = server.map(lambda i: i + 1, list(range(10)))
    assert server.finished(small) == list(range(1, 11))
    assert server.statuses(large) == ["processing"]
    far.gate.set()
    server.until(lambda: server.statuses(large) == ["done"])


@pytest.mark.parametrize("what", ["arguments", "result"])
def test_what_cannot_be_fetched_or_sent_ends_its_job_with_the_reason(far: Far, what: str) -> None:
    server = far.server
    far.fault.append("the store is down")
    far.gate.set()
    item = b"x" * LARGE if what == "arguments" else b""
    jids = server.map(lambda data: data or b"x" * (4 * LARGE), [item])
    server.until(lambda: server.statuses(jids) == ["error"])
    (ended,) = server.jobs.outcomes((jids,), timeout_seconds=0)
    text = bytes(ended.outcomes.bytes_of("error", 0)).decode()
    assert text.endswith("the store is down")
    far.fault.clear()
    assert server.finished(server.map(lambda i: i + 1, [1])) == [2]


@pytest.mark.parametrize("what", ["arguments", "result"])
def test_what_nobody_thought_of_ends_its_job_and_holds_up_no_other(
    far: Far, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    server, (blobs,) = far.server, far.blobs
    blobs.odd.append(RuntimeError("a fault on purpose"))
    far.gate.set()
    item = b"x" * LARGE if what == "arguments" else b""
    many = range(errands.THREADS + 1)
    spoilt = [server.map(lambda data: data or b"x" * (4 * LARGE), [item and item + bytes(i)]) for i in many]
    server.until(lambda: [server.statuses(jids) for jids in spoilt] == [["error"]] * len(many))
    (ended,) = server.jobs.outcomes((spoilt[0],), timeout_seconds=0)
    assert bytes(ended.outcomes.bytes_of("error", 0)).decode().endswith("RuntimeError: a fault on purpose")
    assert "Traceback" in caplog.text
    blobs.odd.clear()
    assert server.finished(server.map(lambda data: len(data), [b"y" * LARGE])) == [LARGE]


@pytest.mark.parametrize("what", ["arguments", "result"])
def test_a_store_that_is_away_for_a_while_is_waited_for(
    far: Far, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    monkeypatch.setattr(errands, "PAUSE_SECONDS", 0.01)
    server, (blobs,) = far.server, far.blobs
    blobs.away.append("the store is restarted")
    far.gate.set()
    item = b"x" * LARGE if what == "arguments" else b""
    jids = server.map(lambda data: len(data) if data else b"x" * (4 * LARGE), [item])
    server.until(lambda: blobs.asked_in_vain > 2)
    assert server.statuses(jids) == ["processing"]
    assert server.finished(server.map(lambda i: i + 1, [1])) == [2]
    blobs.away.clear()
    server.until(lambda: server.statuses(jids) == ["done"])
    assert "is tried again: the store is restarted" in caplog.text


def test_a_store_that_stays_away_ends_its_job(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "AWAY_SECONDS", 0.0)
    far.blobs[0].away.append("the store is gone")
    far.gate.set()
    jids = far.server.map(lambda data: len(data), [b"x" * LARGE])
    far.server.until(lambda: far.server.statuses(jids) == ["error"])


def test_jobs_for_which_a_machine_has_no_room_run_on_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gate, faults = threading.Event(), [list[str](), list[str]()]
    gate.set()
    kinds: list[type[FarBlobs]] = [FarBlobs, FullBlobs]
    server = Server(
        tmp_path, least=2, most=2, open_blobs=lambda: kinds.pop()(tmp_path / "blobs", gate, faults.pop())
    )  # fmt: skip
    try:
        server.until(lambda: server.engine.state().slots == 2)
        first = server.map(lambda data: len(data), [bytes([i]) * LARGE for i in range(6)], restartable=False)
        assert server.finished(first) == [LARGE] * 6
        assert caplog.text.count("gets no jobs for a while") == 1
        assert server.finished(server.map(lambda i: i + 1, [1])) == [2]
    finally:
        server.engine.abandon()
        server.lines.end()


def test_jobs_whose_arguments_are_on_their_way_can_be_killed(far: Far, tmp_path: Path) -> None:
    server = far.server
    jids = server.map(noting(tmp_path), [b"x" * LARGE])
    server.until(lambda: server.statuses(jids) == ["processing"])
    server.jobs.kill((jids,), force=False)
    server.until(lambda: server.statuses(jids) == ["killed"])
    far.gate.set()
    assert server.finished(server.map(lambda i: i + 1, [1])) == [2]
    assert times_run(tmp_path, 0) == 0


def noting(folder: Path) -> Callable[[bytes], None]:
    """A job that leaves a file."""

    def job(data: bytes) -> None:
        (folder / "ran-0").write_text("ran\n")

    return job
