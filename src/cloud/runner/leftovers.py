"""Child processes that a job left behind die with it."""

import contextlib
import os
import signal

from cloud.runner import linux


def kill_children() -> None:
    """Kill and bury all children, and the orphans that they leave to this process, which is their subreaper. One that
    has the rights of another user (sudo) cannot be killed, and is not waited for."""
    others: set[int] = set()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        pids = [child for child in linux.children() if child not in others]
        for child in pids:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:
                others.add(child)
        dying = not others.issuperset(pids)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0 if dying else os.WNOHANG)
        if not pids:
            return
