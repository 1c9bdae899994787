"""GPUs are parted among the workers of an agent, by what CUDA_VISIBLE_DEVICES tells each."""

from pathlib import Path

import pytest

from cloud.agent.binding import shares
from cloud.engines.local import LocalEngine
from cloud.stores.blobs import MemoryBlobs
from tests.support.scripted import Dispatcher


@pytest.mark.parametrize(
    ("visible", "slots", "each", "expected"),
    [
        (["0", "1"], 2, 1, ["0", "1"]),
        (["2", "3", "4", "5"], 2, 2, ["2,3", "4,5"]),
        (["0", "1"], 4, 0.5, ["0", "0", "1", "1"]),
        (["GPU-a"], 3, 0.33, ["GPU-a", "GPU-a", "GPU-a"]),
        ([], 2, 1, []),
        (["0"], 2, 0, []),
    ],
)
def test_each_slot_has_its_share(visible: list[str], slots: int, each: float, expected: list[str]) -> None:
    assert shares(visible, slots, each) == expected


def test_jobs_that_run_at_once_see_different_devices(tmp_path: Path) -> None:
    go, folder = tmp_path / "go", str(tmp_path)

    def job(item: int) -> str:
        import os
        import time

        devices = os.environ["CUDA_VISIBLE_DEVICES"]
        with open(f"{folder}/began-{item}", "w") as file:
            file.write(devices)
        while not os.path.exists(f"{folder}/go"):
            time.sleep(0.01)
        return devices

    engine = LocalEngine(2, MemoryBlobs(), devices=["4", "5"])
    try:
        dispatcher = Dispatcher(engine, MemoryBlobs())
        jobs = dispatcher.map(job, [1, 2])
        dispatcher.feed()
        dispatcher.until(lambda: len(list(tmp_path.glob("began-*"))) == 2)
        go.touch()
        assert sorted(ended.result for ended in dispatcher.finish(jobs)) == ["4", "5"]
    finally:
        engine.abandon()


def test_jobs_trust_whom_their_machine_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ours.pem")
    monkeypatch.setenv("SOMETHING_ELSE", "of the agent alone")

    def look() -> tuple[str | None, str | None]:
        import os

        return os.environ.get("SSL_CERT_FILE"), os.environ.get("SOMETHING_ELSE")

    blobs = MemoryBlobs()
    engine = LocalEngine(1, blobs, machine="another")
    try:
        dispatcher = Dispatcher(engine, blobs)
        (job,) = dispatcher.finish(dispatcher.call(look))
        assert job.result == ("/etc/ours.pem", None)
    finally:
        engine.abandon()
