"""The logger `Cloud` and its handlers: a file that several processes share, and standard error where that is wanted.

A library must not speak unasked (S62): by default nothing is ever printed. Workers and servers of ours write nothing
here.
"""

import logging
import os
import sys
import time
from typing import Any

from cloud.config.locations import home_directory
from cloud.config.script import SAID, is_program
from cloud.config.shared_file import SharedFile
from cloud.config.values import VALUES

LOGGER = logging.getLogger("Cloud")
_level = logging.NOTSET
"""What we set the logger's to; a user who sets another one keeps it."""


class Lines(logging.Formatter):
    """[Sun Nov 22 15:40:12 2026] - [INFO] - Cloud(4711): message"""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s] - [%(levelname)s] - %(name)s(%(process)d): %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """In English, whatever the locale."""
        return time.asctime(self.converter(record.created))


class _Printed(logging.StreamHandler[Any]):
    """Standard error as it is when something is printed: programs and test runners replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None:
            super().emit(record)


def set_up() -> None:
    """Attach handlers as the options say now; again after each commit. Never fails, never prints."""
    global _level
    for handler in [h for h in LOGGER.handlers if isinstance(h, SharedFile | _Printed)]:
        LOGGER.removeHandler(handler)
        handler.close()
    if not any(isinstance(handler, logging.NullHandler) for handler in LOGGER.handlers):
        LOGGER.addHandler(logging.NullHandler())  # or what nobody listens to would be printed
    if not is_program():
        return
    levels = []
    if VALUES.safe("save_log"):
        levels.append(_attach(SharedFile(_path()), VALUES.safe("log_level")))
    printed = VALUES.safe("print_log_level")
    if printed != "CRITICAL":
        levels.append(_attach(_Printed(), printed))
    if LOGGER.level == _level:
        _level = min([_number(VALUES.safe("log_level")), *levels])
        LOGGER.setLevel(_level)
    while SAID:
        LOGGER.warning("%s", SAID.pop(0))


def _path() -> str:
    return os.path.join(home_directory(), VALUES.safe("log_filename"))


def _attach(handler: logging.Handler, level: str) -> int:
    handler.setFormatter(Lines())
    handler.setLevel(level)
    LOGGER.addHandler(handler)
    return _number(level)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level]


VALUES.at_commit(set_up)
set_up()
