"""The agent's end of a template process: start it, send orders, hear of deaths."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cloud
from cloud.wire.worker import CONTROL, PROTOCOL, Op

_KEPT = (
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "PATH",
    "SYSTEMROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""Variables of the agent's own environment that workers see; all others come with the job. Whom a machine trusts is its
own matter: jobs ask their server from there."""

_SECRET = ("PICLOUD_URL", "PICLOUD_API_KEY", "PICLOUD_API_SECRETKEY", "PICLOUD_JOB_TOKEN")
"""Never passed on: a job reaches its own server by its token."""


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker runs."""

    worker: int
    pid: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """A worker was sent `STACK_SIGNAL`."""

    worker: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker is gone."""

    worker: int
    status: int
    """As of `os.waitpid`; -1: it could not even be forked."""
    by_us: bool


class Template:
    """One interpreter's template."""

    def __init__(
        self, executable: str, search: Sequence[str], variables: Mapping[str, str], lock_fd: int | None
    ) -> None:
        """
        Args:
            executable: path of the interpreter.
            search: folders in which it finds `cloud` and cloudpickle if it has not installed them.
            variables: what its process must start with, for example LD_LIBRARY_PATH.
            lock_fd: stays open in the template until it and all its workers are gone.

        Raises:
            OSError, ValueError: the interpreter cannot be started.
        """
        self.executable = executable
        self.workers: set[int] = set()
        self.idle_since: float | None = None
        self._buffer = b""
        self.ready = False
        self.failure = ""
        self.cache_tag: str | None = None
        with contextlib.ExitStack() as undo:
            self._log = undo.enter_context(tempfile.TemporaryFile())
            self._socket, theirs = socket.socketpair()
            undo.callback(self._socket.close)
            with theirs:
                self._directory = tempfile.mkdtemp(prefix="picloud-")
                undo.callback(os.rmdir, self._directory)
                self._process = self._start(theirs.fileno(), search, variables, lock_fd)
            undo.pop_all()
        self.pid = self._process.pid
        self._socket.setblocking(False)

    def _start(
        self, theirs: int, search: Sequence[str], variables: Mapping[str, str], lock_fd: int | None
    ) -> "subprocess.Popen[bytes]":
        passed = [theirs] + ([lock_fd] if lock_fd is not None else [])
        arguments = [str(theirs), str(os.getpid()), str(-1 if lock_fd is None else lock_fd), self._directory]
        return subprocess.Popen(
            [self.executable, "-m", "cloud.runner", *arguments], stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, pass_fds=passed, start_new_session=True, env=_environment(search, variables),
            cwd=self._directory,
        )  # fmt: skip

    def fileno(self) -> int:
        """Readable when there is news."""
        return self._socket.fileno()

    def spawn(self, worker: int, descriptors: Sequence[int]) -> bool:
        """Fork a worker; False when the template is gone."""
        self.workers.add(worker)
        return self._order(Op.SPAWN, worker, descriptors)

    def interrupt(self, worker: int) -> None:
        """SIGINT."""
        self._order(Op.INTERRUPT, worker)

    def kill(self, worker: int) -> None:
        """SIGKILL to a worker and all its descendants."""
        self._order(Op.KILL, worker)

    def show_stack(self, worker: int) -> None:
        """`STACK_SIGNAL`; `Signalled` follows."""
        self._order(Op.STACK, worker)

    def news(self) -> list[Forked | Signalled | Exited] | None:
        """What happened; None when the template itself is gone, with all its workers."""
        gone = False
        try:
            while data := self._socket.recv(65536):
                self._buffer += data
            gone = True
        except BlockingIOError:
            pass
        except OSError:
            gone = True
        news: list[Forked | Signalled | Exited] = []
        size = CONTROL.size
        while len(self._buffer) >= size:
            op, worker, first, second = CONTROL.unpack_from(self._buffer)
            self._buffer = self._buffer[size:]
            if op == Op.HELLO:
                self.ready = first == PROTOCOL
                if not self.ready:
                    self.failure = f"its picloud speaks version {first} of the workers' protocol, this one {PROTOCOL}"
                    return None
                self.cache_tag = f"cpython-{second >> 8}{second & 255}"
            elif op == Op.FORKED:
                news.append(Forked(worker, first))
            elif op == Op.SIGNALLED:
                news.append(Signalled(worker))
            elif op == Op.EXITED:
                self.workers.discard(worker)
                news.append(Exited(worker, first, bool(second)))
        return None if gone and not news else news

    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(self._log.fileno()).st_size
            return os.pread(self._log.fileno(), 4096, max(0, size - 4096)).decode("utf-8", "replace").strip()
        return ""

    def close(self) -> None:
        """Let it kill its workers and end; it does so by itself when this socket closes."""
        self._socket.close()
        self._log.close()

    @property
    def ended(self) -> bool:
        """Whether the process is gone (and buried)."""
        if self._process.poll() is None:
            return False
        self._clear()
        return True

    def wait(self, timeout_seconds: float) -> bool:
        """After `close`: until it is gone."""
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._clear()
            return False
        self._clear()
        return True

    def _clear(self) -> None:
        """It removes its folder itself if it can; it may never have begun to run."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _order(self, op: Op, worker: int, descriptors: Sequence[int] = ()) -> bool:
        record = CONTROL.pack(op, worker, 0, 0)
        for _ in range(2):
            try:
                socket.send_fds(self._socket, [record], list(descriptors))
                return True
            except BlockingIOError:  # hundreds of orders in one go: it is at work, and there soon will be room
                room = select.poll()
                room.register(self._socket, select.POLLOUT)
                room.poll(5000)
            except OSError:
                return False
        return False


def own_search() -> list[str]:
    """Where this process found `cloud` and cloudpickle."""
    return search_in(sys.path) or [os.path.dirname(os.path.dirname(os.path.abspath(cloud.__file__)))]


def search_in(path: Sequence[str]) -> list[str]:
    """Those folders of a search path that hold `cloud` or cloudpickle."""
    return [
        folder
        for folder in path
        if folder
        and (
            os.path.isfile(os.path.join(folder, "cloud", "runner", "__main__.py"))
            or os.path.isfile(os.path.join(folder, "cloudpickle", "__init__.py"))
        )
    ]


def _environment(search: Sequence[str], variables: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or (name.startswith(("LC_", "PICLOUD_")) and name not in _SECRET)
    }
    kept.update(variables)
    kept["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(search))
    kept["PYTHONSAFEPATH"] = "1"
    return kept
