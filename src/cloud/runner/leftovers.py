"""Child processes that a job left behind die with it."""

import contextlib
import os
import signal

from cloud.runner import linux


def kill_children() -> None:
    """Kill and bury all children, and the orphans that they leave to this process, which is their subreaper."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        pids = linux.children()
        for child in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0 if pids else os.WNOHANG)
        if not pids:
            return
