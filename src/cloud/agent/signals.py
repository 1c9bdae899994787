"""Whether a process has dealt with a signal yet, as its kernel tells."""

import os

_FIELDS = (b"SigPnd:", b"ShdPnd:", b"SigBlk:", b"SigCgt:")


class SignalWatch:
    """One signal on its way to one process, beginning before it is sent.

    A signal is pending until one of the process's threads takes it, which then has it blocked while its handler runs.
    """

    def __init__(self, pid: int, number: int) -> None:
        self._folder = f"/proc/{pid}"
        self._bit = 1 << (number - 1)
        self._blocking = self._blocked_in()
        own = self._read(f"{self._folder}/status")
        self.known = own is not None
        """Whether this kernel tells."""
        self.caught = own is None or bool(own[b"SigCgt:"] & self._bit)
        """Whether the process has a handler for it; else it would be ended by it, or ignore it."""
        self.pending = own is not None and bool(own[b"ShdPnd:"] & self._bit)
        """Whether it still has one from before."""

    def dealt_with(self) -> bool:
        """Whether it is neither waiting nor being handled any more."""
        own = self._read(f"{self._folder}/status")
        if own is None or own[b"ShdPnd:"] & self._bit:
            return own is None
        return self._blocked_in() <= self._blocking

    def _blocked_in(self) -> set[str]:
        """Threads that have it blocked; some libraries' threads always have."""
        try:
            threads = os.listdir(f"{self._folder}/task")
        except OSError:
            return set()
        states = {thread: self._read(f"{self._folder}/task/{thread}/status") for thread in threads}
        return {
            thread
            for thread, state in states.items()
            if state is not None and (state[b"SigBlk:"] | state[b"SigPnd:"]) & self._bit
        }

    def _read(self, path: str) -> dict[bytes, int] | None:
        try:
            with open(path, "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            return None
        found = {name: int(line[len(name) :], 16) for line in lines for name in _FIELDS if line.startswith(name)}
        return found if len(found) == len(_FIELDS) else None
