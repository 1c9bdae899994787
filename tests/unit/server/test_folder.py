"""The folder of an embedded server: one owner at a time, small files whole or not at all."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.errors import ServerUnavailable
from cloud.server import folder as folder_module
from cloud.server.folder import Folder

Holder = Callable[..., "subprocess.Popen[bytes]"]
HOLDER = """
import os, sys
from cloud.server.folder import Folder
folder = Folder(sys.argv[1])
fd = folder.take()
if sys.argv[2] == "card":
    folder.write_card({"pid": os.getpid(), "url": "http://127.0.0.1:1"})
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "state"))


@pytest.fixture
def holder(folder: Folder) -> Iterator[Holder]:
    """Another process that takes the lock; closing its standard input ends it."""
    started = []

    def start(card: str = "card") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, folder.path, card], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_files_and_folder_are_the_users_alone(folder: Folder) -> None:
    folder.write_card({"secret": "s"})
    assert stat.S_IMODE(os.stat(folder.path).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(os.path.join(folder.path, "server.json")).st_mode) == 0o600


def test_what_was_written_is_read_back(folder: Folder) -> None:
    folder.write_card({"pid": 1})
    folder.write_credentials("1", "s")
    folder.write_port(4711)
    again = Folder(folder.path)
    assert (again.card(), again.credentials(), again.port()) == ({"pid": 1}, ("1", "s"), 4711)
    again.remove_card()
    again.remove_card()
    assert folder.card() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_damaged_files_count_as_missing(folder: Folder, text: str) -> None:
    for name in ("server.json", "key.json", "port"):
        with open(os.path.join(folder.path, name), "w") as file:
            file.write(text)
    assert (folder.card(), folder.credentials(), folder.port()) == ({}, None, 0)


def test_a_second_server_is_refused_at_once_and_told_who_is_there(folder: Folder, holder: Holder) -> None:
    process = holder()
    with pytest.raises(ServerUnavailable, match=rf"process {process.pid}.*127.0.0.1:1"):
        folder.take()


def test_the_lock_of_one_that_leaves_is_waited_for(folder: Folder, holder: Holder) -> None:
    process = holder("no card")
    threading.Timer(0.05, process.terminate).start()
    os.close(folder.take())
    assert folder.holder() == os.getpid()


def test_the_lock_of_a_killed_one_is_free(folder: Folder, holder: Holder) -> None:
    process = holder()
    process.kill()
    process.wait()
    os.close(folder.take())


def test_one_that_does_not_let_go_is_named_after_a_bounded_wait(
    folder: Folder, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "LEAVING_SECONDS", 0.05)
    process = holder("no card")
    with pytest.raises(ServerUnavailable, match=rf"server process {process.pid} is still going"):
        folder.take()
