"""What a job may change of the process itself, and forget: the jobs after it find it as it was, or another process."""

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

    def restore(self) -> bool:
        """An alarm that is still set would end another job; limits and the mask of new files are put back. False: a
        hard limit was lowered, which only an administrator could raise."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.umask(self._umask)
        for which, before in self._limits:
            if resource.getrlimit(which) != before:
                try:
                    resource.setrlimit(which, before)
                except (ValueError, OSError):
                    return False
        return True
