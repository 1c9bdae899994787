"""A standard stream whose text is shown and kept: a job in this process prints where its user looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

KEPT_CHARACTERS = 4 << 20


class Tee:
    """In place of `sys.stdout` or `sys.stderr`; whatever is not writing goes to the stream itself."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._texts: list[str] = []
        self._size = 0
        self._dropped = 0
        """Bytes."""

    @classmethod
    @contextmanager
    def on(cls, name: Literal["stdout", "stderr"]) -> Iterator[Self]:
        """One in its place, for a while; a job inside another one's wait has its own."""
        before = getattr(sys, name)
        tee = cls(before._stream if isinstance(before, Tee) else before)
        setattr(sys, name, tee)
        try:
            yield tee
        finally:
            if getattr(sys, name) is tee:
                setattr(sys, name, before)

    def write(self, text: str) -> int:
        """Show and keep."""
        self._texts.append(text)
        self._size += len(text)
        while self._size > KEPT_CHARACTERS and len(self._texts) > 1:
            text = self._texts.pop(0)
            self._size -= len(text)
            self._dropped += len(_encoded(text))
        if self._stream is not None:
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Show and keep."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Show at once."""
        if self._stream is not None:
            self._stream.flush()

    def text(self) -> bytes:
        """What was written, the last 1,000 lines of it (SPEC S23)."""
        return self.kept()[1]

    def kept(self) -> tuple[int, bytes]:
        """How many bytes are not kept any more, and those that are, at most 1,000 lines."""
        whole = _encoded("".join(self._texts))
        lines = whole.splitlines(keepends=True)[-1000:]
        kept = b"".join(lines)
        return self._dropped + len(whole) - len(kept), kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
