"""Nothing is lost and nothing runs on: the server killed in the middle, the client gone, the answer lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cloud
from cloud.config import state_directory
from tests.support import processes
from tests.support.waiting import eventually


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh config directory; the first use of cloud starts its server, which has two slots."""
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    cloud.close()
    yield home
    cloud.close()


def facts(home: Path) -> dict[str, object]:
    """What the running server wrote about itself."""
    return dict(json.loads((Path(state_directory(str(home))) / "server.json").read_text()))


def note_and_square(folder: str, i: int) -> int:
    """Leaves a mark for each run."""
    with open(f"{folder}/{i}", "a") as marks:
        marks.write("x")
    time.sleep(0.002)  # the job sleeps
    return i * i


def note_and_stay(folder: str) -> None:
    """Says which process runs it, and does not end."""
    (Path(folder) / f"pid-{os.getpid()}").touch()
    time.sleep(600)  # the job sleeps


def test_a_server_killed_in_the_middle_of_a_map_comes_back_and_loses_nothing(server: Path, tmp_path: Path) -> None:
    """S38: what ran when the server was lost runs again."""
    marks, stays = tmp_path / "marks", tmp_path / "stays"
    marks.mkdir()
    stays.mkdir()
    fragile = cloud.call(note_and_stay, str(stays), _restartable=False, _priority=1)
    pid = int(str(eventually(lambda: [p.name for p in stays.iterdir()])[0]).split("-")[1])
    folder = str(marks)
    jids = cloud.map(lambda i: note_and_square(folder, i), range(2000))
    results = cloud.iresult(jids)
    seen = [next(results) for _ in range(400)]
    assert seen == [i * i for i in range(400)]
    seen_done = [i for i, word in enumerate(cloud.status(jids)) if word == "done"]
    before = facts(server)
    workers = processes.descendants(int(str(before["pid"])))
    assert pid in workers

    os.kill(int(str(before["pid"])), signal.SIGKILL)

    assert cloud.result(jids) == [i * i for i in range(2000)]
    assert facts(server)["pid"] != before["pid"]
    runs = [len((marks / str(i)).read_text()) for i in range(2000)]
    assert [runs[i] for i in seen_done] == [1] * len(seen_done)
    assert set(runs) <= {1, 2}
    eventually(lambda: not any(processes.command_line(w) for w in workers), what="end of the dead server's workers")
    assert cloud.status(fragile) == "error"
    with pytest.raises(cloud.CloudException, match="_restartable is False"):
        cloud.result(fragile)


CLIENT = """
import cloud, sys
jids = cloud.map(lambda x: x + 1, range(50))
print(jids[0], jids[-1], flush=True)
"""


def test_results_outlive_the_client_that_asked_for_them(server: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", CLIENT], check=True, capture_output=True, text=True).stdout
    first, last = map(int, answer.split())
    assert cloud.result(range(first, last + 1)) == list(range(1, 51))


def test_the_server_ends_when_told_and_starts_again_with_everything_it_knew(server: Path) -> None:
    jids = cloud.map(lambda x: -x, range(10))
    assert cloud.result(jids) == [-x for x in range(10)]
    old = int(str(facts(server)["pid"]))
    processes.end([old])
    assert cloud.result(jids) == [-x for x in range(10)]
    assert int(str(facts(server)["pid"])) != old
