"""What a job says through `logging`, kept beside its output."""

import logging

MAX_CHARACTERS = 64 * 1024


class Logs:
    """Sees every record that passes its logger's level. No handler is installed, since a handler at the root would make
    a job's own `logging.basicConfig` do nothing; records go on to whatever handlers there are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._characters = 0
        original = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            self._keep(record)
            original(logger, record)

        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign, assignment]

    def take(self) -> str:
        """Lines since the last call."""
        text = "\n".join(self.lines)
        self.lines, self._characters = [], 0
        return text

    def _keep(self, record: logging.LogRecord) -> None:
        if self._characters > MAX_CHARACTERS:
            return
        try:
            line = f"{record.levelname}:{record.name}:{record.getMessage()}"
        except Exception:
            line = f"{record.levelname}:{record.name}:{record.msg!s:.1000} (its arguments do not fit)"
        self._characters += len(line)
        if self._characters > MAX_CHARACTERS:
            line = line[:1000] + " [... later records left out]"
        self.lines.append(line)
