"""A log file that any number of processes write to and replace in turn."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cloud.config.locations import give_back

MAX_BYTES = 4 << 20
KEPT = 7
_AFTER_A_FAILURE_SECONDS = 60.0


class SharedFile(logging.Handler):
    """Appends whole lines to a file; when it is full, it becomes `<path>.1`, and so on to `<path>.7`.

    Processes take turns by a lock on the file itself (where there are such locks). What cannot be written is lost: a
    log must not disturb the program.
    """

    def __init__(self, path: str, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._fd = -1
        self._pid = 0
        self._silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; never raises."""
        if self._silent_until and time.monotonic() < self._silent_until:
            return
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            self._append(line)
        except Exception:
            self._silent_until = time.monotonic() + _AFTER_A_FAILURE_SECONDS

    def close(self) -> None:
        """Let go of the file; the next record opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()

    def _append(self, line: bytes) -> None:
        while True:
            self._open()
            with _locked(self._fd):
                if not self._is_current():  # another process has replaced it meanwhile
                    continue
                size = os.fstat(self._fd).st_size
                if size == 0 or size + len(line) <= self._max_bytes or not self._replace():
                    os.write(self._fd, line)
                    return

    def _open(self) -> None:
        if self._fd >= 0 and self._pid == os.getpid() and self._is_current():
            return
        if self._fd >= 0:  # of a parent, whose lock we would share, or of a file that was replaced
            os.close(self._fd)
            self._fd = -1
        folder = os.path.dirname(self._path)
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            give_back(folder, folder)
        is_new = not os.path.exists(self._path)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._pid = os.getpid()
        if is_new:
            give_back(self._path, folder)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._fd))
        except OSError:
            return False

    def _replace(self) -> bool:
        """Make room for a new file; whether that was possible. The lock is held."""
        try:
            for number in range(self._kept - 1, 0, -1):
                if os.path.exists(f"{self._path}.{number}"):
                    os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
            os.replace(self._path, f"{self._path}.1")
        except OSError:
            return False
        return True


@contextmanager
def _locked(fd: int) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # lines are appended whole nevertheless
        yield
        return
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
