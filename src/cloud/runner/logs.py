"""What a job says through `logging`, kept beside its output."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cloud.wire.logbook import Logbook

MAX_BYTES = 64 * 1024
LINE_MAX_CHARACTERS = MAX_BYTES // 8


class Logs:
    """Sees every record that passes its logger's level. No handler is installed, since a handler at the root would make
    a job's own `logging.basicConfig` do nothing; records go on to whatever handlers there are."""

    def __init__(self, book: Logbook, wake: Callable[[], None]) -> None:
        """
        Args:
            book: where the agent can read along.
            wake: called when it wants to know at once.
        """
        self.lines: deque[str] = deque()
        """The last ones."""
        self._bytes = self._dropped = 0
        self._book = book
        self._wake = wake
        self._lock = threading.Lock()
        self._pid = os.getpid()
        original = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            self._keep(record)
            original(logger, record)

        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign, assignment]

    def take(self) -> dict[str, Any]:
        """What is to be kept of the lines since the last call."""
        kept: dict[str, Any] = {"logging": "\n".join(self.lines)}
        if self._dropped:
            kept["dropped"] = {"logging": self._dropped}
        self.lines.clear()
        self._bytes = self._dropped = 0
        self._lock = threading.Lock()  # a job that was killed in `_keep` may have left the old one locked
        return kept

    def _keep(self, record: logging.LogRecord) -> None:
        try:
            line = f"{record.levelname}:{record.name}:{record.getMessage()}"
        except Exception:
            line = f"{record.levelname}:{record.name}:{record.msg!s:.1000} (its arguments do not fit)"
        if len(line) > LINE_MAX_CHARACTERS:
            line = f"{line[:LINE_MAX_CHARACTERS]} [... {len(line) - LINE_MAX_CHARACTERS} characters left out]"
        data = f"{line}\n".encode("utf-8", "replace")
        with self._lock:
            self.lines.append(line)
            self._bytes += len(data)
            while self._bytes > MAX_BYTES:
                size = len(f"{self.lines.popleft()}\n".encode("utf-8", "replace"))
                self._bytes -= size
                self._dropped += size
            wanted = os.getpid() == self._pid and self._book.write(data)
        if wanted:
            self._wake()
