"""The template: a clean process, single-threaded, from which workers are forked and by which they are buried.

It is the parent of all workers, so that a worker's pid cannot be reused while anybody may signal it, and their
subreaper, so that what a dead worker leaves behind becomes a child of the template, where it is found and killed.
When its agent goes, in whatever way, it kills everything and ends. It imports the standard library, cloudpickle and the
runner, never a user's module.

    python -m cloud.runner <control fd> <agent pid> <lock fd or -1> <directory for temporary working directories>
"""

import contextlib
import gc
import os
import select
import shutil
import signal
import socket
import sys
from array import array
from collections import deque
from collections.abc import Callable
from functools import partial

import cloudpickle  # noqa: F401  (so that workers find it loaded)

from cloud.runner import linux, worker
from cloud.runner.code import PREFIX, sweep
from cloud.wire.worker import CONTROL, PROTOCOL, SPAWN_DESCRIPTORS, STACK_SIGNAL, Op


def main() -> None:
    """Serve one agent, then end with all workers."""
    control_fd, agent_pid, lock_fd = map(int, sys.argv[1:4])
    for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
        os.environ.pop(name, None)  # they were for this process alone
    linux.adopt_orphans()
    linux.offer_to_oom_killer()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whoever started our agent may have blocked some, and we inherit
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    Template(socket.socket(fileno=control_fd), agent_pid, lock_fd, sys.argv[4]).serve()


class Template:
    """Forks, signals, buries."""

    def __init__(self, control: socket.socket, agent_pid: int, lock_fd: int, directory: str) -> None:
        self._pid = os.getpid()
        self._control = control
        self._lock_fd = lock_fd
        self._directory = directory
        self._pids: dict[int, int] = {}
        self._workers: dict[int, int] = {}
        self._killed: set[int] = set()
        self._spared: set[int] = set()
        """Children that are not killed: our own that sweep, and programs with the rights of another user (sudo)."""
        self._orphans = False
        self._buffer = bytearray()
        self._descriptors: deque[int] = deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._agent = _watch(agent_pid)

    def serve(self) -> None:
        """Until the agent is gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        watched = [self._control.fileno(), self._wake_read] + ([self._agent] if self._agent is not None else [])
        for fd in watched:
            poll.register(fd, select.POLLIN)
        version = sys.version_info.major << 8 | sys.version_info.minor
        self._tell(Op.HELLO, 0, PROTOCOL, version)
        alive = True
        while alive:
            ready = [fd for fd, _ in poll.poll(20 if self._orphans else None)]
            if self._wake_read in ready:
                _drain(self._wake_read)
            self._bury()
            if self._control.fileno() in ready:
                alive = self._obey()
            if self._agent in ready:
                alive = False
        self._end()

    def _obey(self) -> bool:
        try:
            data, ancillary, _, _ = self._control.recvmsg(
                4096, socket.CMSG_SPACE(64 * 4), getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except OSError:
            return False
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                self._descriptors.extend(fds)
        if not data:
            return False
        self._buffer += data
        while len(self._buffer) >= CONTROL.size:
            op, number, _, _ = CONTROL.unpack_from(self._buffer)
            del self._buffer[: CONTROL.size]
            if op == Op.SPAWN:
                self._spawn(number, [self._descriptors.popleft() for _ in range(SPAWN_DESCRIPTORS)])
            elif op == Op.INTERRUPT and number in self._workers:
                os.kill(self._workers[number], signal.SIGINT)
            elif op == Op.KILL and number in self._workers:
                self._killed.add(number)
                os.kill(self._workers[number], signal.SIGKILL)
            elif op == Op.STACK and number in self._workers:
                os.kill(self._workers[number], STACK_SIGNAL)
                self._tell(Op.SIGNALLED, number, 0, 0)
        return True

    def _spawn(self, number: int, descriptors: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError:
            for fd in descriptors:
                os.close(fd)
            self._tell(Op.EXITED, number, -1, 0)
            return
        if pid == 0:
            self._become_worker(number, descriptors)
        for fd in descriptors:
            os.close(fd)
        self._pids[pid] = number
        self._workers[number] = pid
        self._tell(Op.FORKED, number, pid, 0)

    def _become_worker(self, number: int, descriptors: list[int]) -> None:
        status = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            linux.die_with_parent()
            if os.getppid() != self._pid:
                os._exit(status)  # the template died before the line above
            linux.adopt_orphans()
            os.setsid()
            for fd in (self._wake_read, self._wake_write, self._lock_fd, self._agent):
                if fd is not None and fd >= 0:
                    os.close(fd)
            self._control.close()
            status = worker.main(descriptors, os.path.join(self._directory, str(number)))
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _bury(self) -> None:
        """Collect the dead; kill the orphans that they left to us, and those that these leave in turn."""
        while True:
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    pid = 0
                if pid == 0:
                    break
                self._spared.discard(pid)
                number = self._pids.pop(pid, None)
                if number is not None:
                    del self._workers[number]
                    self._tell(Op.EXITED, number, status, int(number in self._killed))
                    self._killed.discard(number)
                    self._sweep(os.path.join(self._directory, str(number)))
                    self._sweep_code()
            orphans = [pid for pid in linux.children() if pid not in self._pids and pid not in self._spared]
            orphans = [pid for pid in orphans if self._kill(pid)]
            self._orphans = bool(orphans)
            if not any(_is_zombie(pid) for pid in orphans):
                return

    def _kill(self, pid: int) -> bool:
        """A child of ours; False: it may not be killed."""
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:
            self._spared.add(pid)
            return False
        return True

    def _sweep(self, directory: str) -> None:
        """Remove a dead worker's temporary working directory."""
        if os.path.isdir(directory):
            self._beside(partial(shutil.rmtree, directory, ignore_errors=True))

    def _sweep_code(self) -> None:
        """Remove the code versions that no worker uses any more."""
        with contextlib.suppress(FileNotFoundError):
            if any(name.startswith(PREFIX) for name in os.listdir(self._directory)):
                self._beside(partial(sweep, self._directory))

    def _beside(self, work: Callable[[], object]) -> None:
        """Without keeping others waiting. Where there can be no more processes, it is left for the next time."""
        try:
            pid = os.fork()
        except OSError:
            return
        if pid == 0:
            try:
                self._control.close()
                work()
            finally:
                os._exit(0)
        self._spared.add(pid)

    def _tell(self, op: Op, number: int, first: int, second: int) -> None:
        try:
            self._control.sendall(CONTROL.pack(op, number, first, second))
        except OSError:
            pass  # the agent is gone; the end of its socket is noticed in `serve`

    def _end(self) -> None:
        """Kill all workers and whatever they leave; the directory's lock is held until then."""
        others: set[int] = set()
        while pids := [pid for pid in linux.children() or list(self._pids) if pid not in others]:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    self._pids.pop(pid, None)
                except PermissionError:
                    others.add(pid)
            if others.issuperset(pids):
                continue
            try:
                pid, _ = os.waitpid(-1, 0)
                self._pids.pop(pid, None)
            except ChildProcessError:
                break
        shutil.rmtree(self._directory, ignore_errors=True)


def _watch(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends: its socket may live on in children it forked."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        os._exit(0)
    if os.getppid() != pid:
        os._exit(0)
    return fd


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True
