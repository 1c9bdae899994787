"""On a terminal, a command that seems to hang because its server does not answer says so."""

import logging
import sys

_PATIENCE_SECONDS = 1.0


class Told(logging.Handler):
    """Says once what the client writes into the log when it asks a server again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._since: float | None = None
        self._said = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._said or not getattr(record, "asks_again", False):
            return
        self._since = self._since or record.created
        if record.created - self._since >= _PATIENCE_SECONDS:  # a server that starts again is back before
            self._said = True
            sys.stderr.write(f"\r\x1b[Kpicloud: {record.getMessage()}\n")
            sys.stderr.flush()


def tell_of_trouble() -> None:
    """If somebody looks."""
    if sys.stderr.isatty():
        logging.getLogger("Cloud.http").addHandler(Told())
