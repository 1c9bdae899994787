"""What a job may change of the process itself, and forget: the jobs after it find it as it was."""

import contextlib
import os
import resource
import signal

_LIMITS = (
    resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE,
)  # fmt: skip


class Standing:
    """As it is when this is made."""

    def __init__(self) -> None:
        self._limits = [(which, resource.getrlimit(which)) for which in _LIMITS]
        self._umask = os.umask(0o077)
        os.umask(self._umask)

    def restore(self) -> None:
        """An alarm that is still set would end another job; limits and the mask of new files are put back. A hard
        limit that was lowered stays: only the administrator could raise it."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.umask(self._umask)
        for which, before in self._limits:
            now = resource.getrlimit(which)
            if now != before:
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(which, (min(before[0], now[1]) if now[1] >= 0 else before[0], now[1]))
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(which, before)
