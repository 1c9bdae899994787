"""The folder with the local modules that travelled with jobs: exactly the files of one code version (DESIGN D13).

<directory>/code-<version>       the files; workers of one template share it
<directory>/code-<version>.lock  each worker that uses the folder holds a shared lock on this, until it ends
"""

import contextlib
import fcntl
import glob
import os
import shutil
from collections.abc import Iterable

PREFIX = "code-"
_LOCK = ".lock"


def have(directory: str) -> None:
    """Make a template's directory anew if it was swept away, as what is in /tmp and was not used for days is on many
    machines; systemd-tmpfiles leaves one that is locked, as this one is now for as long as this process lives.

    Raises:
        OSError: it cannot be made, or somebody else did.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    if os.lstat(directory).st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else")
    fcntl.flock(os.open(directory, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)


def materialise(directory: str, version: str, files: Iterable[tuple[str, int, bool]], contents: memoryview) -> str:
    """The folder of this version, made if no other worker made it before.

    Args:
        directory: where such folders are.
        version: a digest.
        files: path in the folder, size in bytes and whether it can be executed, in the order of the contents.
        contents: of the files, one after another.

    Raises:
        OSError: the disk is full.
    """
    folder = os.path.join(directory, PREFIX + version[:32])
    _use(folder + _LOCK)
    if os.path.isdir(folder):
        return folder
    new = f"{folder}.{os.getpid()}"
    position = 0
    try:
        for path, size, executable in files:
            _write(os.path.join(new, path), contents[position : position + size], executable)
            position += size
        os.rename(new, folder)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        if not os.path.isdir(folder):  # else another worker was quicker
            raise
    return folder


def sweep(directory: str) -> None:
    """Remove the folders that no worker uses."""
    for name in os.listdir(directory):
        if name.startswith(PREFIX) and name.endswith(_LOCK):
            path = os.path.join(directory, name)
            with open(path, "rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                folder = path.removesuffix(_LOCK)
                for left in [folder, *glob.glob(f"{glob.escape(folder)}.[0-9]*")]:  # half made by a worker that died
                    shutil.rmtree(left, ignore_errors=True)
                os.unlink(path)


def _use(path: str) -> None:
    """Lock for as long as this process lives. A lock on a file that was removed in the meantime protects nothing."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_SH)
        try:
            if os.stat(path).st_ino == os.fstat(fd).st_ino:
                return
        except FileNotFoundError:
            pass
        os.close(fd)


def _write(path: str, content: memoryview, executable: bool) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o755 if executable else 0o644)
    with open(fd, "wb") as file:
        file.write(content)
