"""The folder of an embedded server: its lock, the file that says where it is, its port, log, database and blobs.

<home>/server/<machine>/
    lock            held by the server, and by its templates until their workers are gone
    server.json     where it listens and the key of this user; there while a server runs, readable by the user only
    port            the port it had last, so that addresses live on
    jobs.db  blobs/  server.log
"""

import fcntl
import json
import os
import signal
import time
from types import FrameType
from typing import Any

from cloud.config.processes import is_alive
from cloud.errors import ServerUnavailable

LEAVING_SECONDS = 15.0
"""How long a server that is going, or what is left of a dead one, may hold the lock before we give up."""


class Folder:
    """Paths in the folder, which is made if it is not there, and what is kept in its small files."""

    def __init__(self, path: str) -> None:
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(path, 0o700)
        self.path = path
        self.lock = os.path.join(path, "lock")
        self.log = os.path.join(path, "server.log")
        self._card = os.path.join(path, "server.json")
        self._credentials = os.path.join(path, "key.json")
        self._port = os.path.join(path, "port")

    def card(self) -> dict[str, Any]:
        """What server.json says; {} when no server runs or the file is damaged."""
        return _read_json(self._card)

    def write_card(self, card: dict[str, Any]) -> None:
        """Tell clients of this user where the server is."""
        _replace(self._card, json.dumps(card))

    def remove_card(self) -> None:
        """There is no server here any more."""
        _remove(self._card)

    def credentials(self) -> tuple[str, str] | None:
        """Key and secret of this user, if an earlier server made them."""
        found = _read_json(self._credentials)
        return (str(found["key"]), str(found["secret"])) if "key" in found and "secret" in found else None

    def write_credentials(self, key: str, secret: str) -> None:
        """Keep the key of this user, for later servers of this folder."""
        _replace(self._credentials, json.dumps({"key": key, "secret": secret}))

    def port(self) -> int:
        """The port of the last server here, 0 if there was none."""
        try:
            with open(self._port) as file:
                number = int(file.read())
        except (OSError, ValueError):
            return 0
        return number if 0 < number < 65536 else 0

    def write_port(self, port: int) -> None:
        """Remember the port."""
        _replace(self._port, str(port))

    def take(self) -> int:
        """The lock of this folder, as a file descriptor that holds it until every copy is closed.

        Raises:
            ServerUnavailable: a server of this folder is running, or one that stopped does not let go of its workers.
        """
        fd = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait_for(fd)
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def holder(self) -> int:
        """Process id of the server that took the lock last; 0 if none ever did."""
        try:
            with open(self.lock) as file:
                return int(file.read() or 0)
        except (OSError, ValueError):
            return 0

    def _wait_for(self, fd: int) -> None:
        if _try_lock(fd):
            return
        pid, card = self.holder(), self.card()
        if pid and is_alive(pid) and card.get("pid") == pid:
            raise ServerUnavailable(
                f"a server of {self.path} is running already (process {pid}, {card.get('url')})",
                hint="`picloud status` shows it, `picloud stop` ends it",
            )
        if not _lock_within(fd, LEAVING_SECONDS):
            who = (
                f"server process {pid} is still going" if is_alive(pid) else f"workers of server {pid} are still alive"
            )
            raise ServerUnavailable(f"{self.path} is locked: {who} after {LEAVING_SECONDS:.0f} seconds", retry=True)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Late(Exception):
    pass


def _lock_within(fd: int, seconds: float) -> bool:
    """Wait for the lock, woken by the kernel; an alarm ends the wait. Main thread only."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, give_up)
    deadline = time.monotonic() + seconds
    # Again every second: an alarm that comes between two instructions must not be the only one.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return True
    except _Late:
        return time.monotonic() < deadline and _try_lock(fd)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read_json(path: str) -> dict[str, Any]:
    try:
        with open(path) as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _replace(path: str, text: str) -> None:
    """Write a file of ours, readable by the user only, whole or not at all."""
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
