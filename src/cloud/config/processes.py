"""Processes that are not our children: whether there is one, and waiting for its end."""

import os
import select
import time


def is_alive(pid: int) -> bool:
    """Whether there is a process with this id, ours or not."""
    if pid <= 0:
        return False
    if os.name == "nt":  # where signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def wait_for_end(pid: int, seconds: float) -> bool:
    """Whether a process, which need not be our child, ended within so many seconds."""
    if hasattr(os, "pidfd_open"):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(1000 * seconds))
        finally:
            os.close(fd)
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # this platform cannot wake us
    return not is_alive(pid)
