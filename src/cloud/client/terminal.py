"""A line on a terminal that is drawn over and over, and leaves the terminal as it was."""

import os
import unicodedata
from typing import TextIO

from cloud.client.progress_text import Counts

_WIDEST_BAR, _NARROWEST_BAR = 40, 8
_ERASE = "\r\x1b[K"


class Line:
    """The line that the cursor is on. A terminal that is gone is no error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = False

    def show(self, counts: Counts) -> None:
        """See `Display`."""
        self._shown = True
        self._write(f"{_ERASE}{self._text(counts)}")

    def hide(self) -> None:
        """See `Display`."""
        if self._shown:
            self._write(_ERASE)
        self._shown = False

    def end(self, counts: Counts, *, keep: bool) -> None:
        """See `Display`."""
        if keep:
            self._write(f"{_ERASE}{self._text(counts)}\n")
        else:
            self.hide()
        self._shown = False

    def _text(self, counts: Counts) -> str:
        room = self._columns() - 1  # in the last column some terminals begin another line
        words = counts.words()
        name = f"{counts.name}: " if counts.name else ""
        dot = " · " if self._can_write("·") else ", "
        text = name + dot.join(words)
        while len(words) > 1 and width(text) > room:
            words.pop()
            text = name + dot.join(words)
        beside = 10 * (width(text) // 10 + 1)  # so that the bar does not move with every digit
        bar = min(_WIDEST_BAR, room - beside - 2)
        if bar >= _NARROWEST_BAR and counts.total > 1:
            full = int(bar * counts.share)
            text += f"{' ' * (beside - width(text))}[{'#' * full}{' ' * (bar - full)}]"
        if not self._can_write(text):
            text = text.encode("ascii", "replace").decode("ascii")
        while text and width(text) > room:
            text = text[:-1]
        return text

    def _columns(self) -> int:
        """Asked for each time: windows change."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):
            return 80

    def _can_write(self, text: str) -> bool:
        try:
            text.encode(self._stream.encoding or "ascii")
        except (UnicodeError, LookupError):
            return False
        return True

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return


def width(text: str) -> int:
    """Columns that a terminal needs for it."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
