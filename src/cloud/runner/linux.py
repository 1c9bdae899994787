"""What Linux offers a parent that wants to lose no descendant; elsewhere these do nothing and say so by False."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def adopt_orphans() -> bool:
    """Become the parent of descendants whose own parent dies, also of those that started a session of their own."""
    return _libc is not None and _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def die_with_parent() -> bool:
    """SIGKILL for this process when the thread that forked it ends."""
    return _libc is not None and _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0


def offer_to_oom_killer() -> None:
    """Make the kernel take this process before its server when memory runs out. Children inherit it."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("800")
    except OSError:
        pass


def forget_peak() -> None:
    """Let the largest memory of this process, as `getrusage` tells it, begin anew at what it has now: 3 µs. The file is
    opened each time, since a job may close any descriptor."""
    try:
        fd = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, b"5")
    except OSError:
        pass
    finally:
        os.close(fd)


def children() -> list[int]:
    """Pids of this process's children, those of all its threads, zombies included."""
    pids: list[int] = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children") as file:
                pids += map(int, file.read().split())
    except OSError:
        pass
    return pids
