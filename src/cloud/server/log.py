"""Where a server writes down what happened to it. Secrets and users' data never go there."""

import logging
import logging.handlers
import os
import sys

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MAX_BYTES = 4 << 20
_KEPT = 2


def log_to_file(path: str) -> None:
    """Everything from INFO up into a file that only the user can read, at most 12 MB with its two predecessors.

    Standard output and error go to the same file, so that what a library or the interpreter itself says is kept.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    handler = _Rotating(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    _install(handler)
    handler.take_standard_streams()


def log_to_stderr() -> None:
    """Everything from INFO up to standard error: a server in the foreground."""
    _install(logging.StreamHandler(sys.stderr))


def _install(handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


class _Rotating(logging.handlers.RotatingFileHandler):
    """Takes descriptors 1 and 2 along when the file rotates."""

    def take_standard_streams(self) -> None:
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)

    def doRollover(self) -> None:  # noqa: N802 (the name is the standard library's)
        super().doRollover()
        self.take_standard_streams()
