"""Where a server writes down what happened to it. Secrets and users' data never go there."""

import json
import logging
import logging.handlers
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from cloud.server.request_log import REQUEST

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MAX_BYTES = 4 << 20
_KEPT = 2
_REPEAT_SECONDS = 10.0
"""The same warning is not written again so soon."""
_MOST_REPEATED = 1000
_MORE = ("jid", "agent", "method", "path", "status", "ms")
"""What a line may say besides its text, given as `extra`."""


def log_to_file(path: str) -> None:
    """Everything from INFO up into a file that only the user can read, at most 12 MB with its two predecessors.

    Standard output and error go to the same file, so that what a library or the interpreter itself says is kept.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    handler = _Rotating(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    _install(handler)
    handler.take_standard_streams()


def log_to_stderr(level: str = "INFO", *, as_json: bool = False) -> None:
    """Everything from a level up to standard error: a server in the foreground."""
    _install(logging.StreamHandler(sys.stderr), JsonLines() if as_json else None, level)


def _install(handler: logging.Handler, lines: logging.Formatter | None = None, level: str = "INFO") -> None:
    handler.setFormatter(lines or logging.Formatter(_FORMAT))
    handler.addFilter(Repeats(_REPEAT_SECONDS))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)


class Repeats(logging.Filter):
    """Writes the same warning or error once in so many seconds, with how often it was left out: everybody who waits
    asks for what is away, many times a second."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """By logger and text: when it was written, and how often it was not since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        key, now = (record.name, record.getMessage()), time.monotonic()
        at, left_out = self._said.get(key, (float("-inf"), 0))
        if now - at < self.seconds:
            self._said[key] = at, left_out + 1
            return False
        if len(self._said) >= _MOST_REPEATED:
            self._said.clear()
        self._said[key] = now, 0
        if left_out:
            record.msg, record.args = f"{key[1]} ({left_out} times more since it was last written here)", None
        return True


class JsonLines(logging.Formatter):
    """A JSON object per line: time (UTC), level, logger, event; request_id, account and jid where there is a request;
    what was given as `extra`; exception, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "event": record.getMessage(),
        }  # fmt: skip
        request = REQUEST.get()
        if request is not None:
            told |= {"request_id": request.request_id, "account": request.account, "jid": request.jid}
        told |= {name: getattr(record, name) for name in _MORE if hasattr(record, name)}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in told.items() if value is not None}, default=str)


class _Rotating(logging.handlers.RotatingFileHandler):
    """Takes descriptors 1 and 2 along when the file rotates."""

    def take_standard_streams(self) -> None:
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)

    def doRollover(self) -> None:  # noqa: N802 (the name is the standard library's)
        super().doRollover()
        self.take_standard_streams()
