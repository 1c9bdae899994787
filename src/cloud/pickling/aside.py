"""Large buffers (arrays) that travel beside a pickle instead of inside it (pickle protocol 5)."""

import pickle

PROTOCOL = 5
ASIDE_MIN_BYTES = 64 * 1024
"""Smaller buffers are cheaper to copy into the pickle than to carry separately."""


class Aside:
    """The large buffers of one value; called by the pickler with each buffer."""

    __slots__ = ("buffers",)

    def __init__(self) -> None:
        self.buffers: list[memoryview] = []

    def __call__(self, buffer: pickle.PickleBuffer) -> bool:
        """Whether the buffer must go into the pickle: it is small, or not contiguous."""
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes < ASIDE_MIN_BYTES:
            return True
        self.buffers.append(raw)
        return False
