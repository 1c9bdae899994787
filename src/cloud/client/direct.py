"""The direct way of large blobs, past the server: whether it is worth trying."""

import logging
import time

log = logging.getLogger("Cloud.direct")

AVOIDED_SECONDS = 600.0
"""How long a store that could not be reached, or a server without links, is not tried again."""


class NoWay(Exception):
    """It cannot be read or written directly; through the server it can."""


class Direct:
    """What is known of one server's blob store. For any thread."""

    def __init__(self) -> None:
        self._again_at = 0.0
        self._puts_again_at = 0.0

    @property
    def reads(self) -> bool:
        """Whether it is worth trying to read."""
        return time.monotonic() >= self._again_at

    @property
    def writes(self) -> bool:
        """Whether it is worth trying to write."""
        return self.reads and time.monotonic() >= self._puts_again_at

    def avoid(self, why: NoWay) -> None:
        """It did not work."""
        log.info("the server's blob store is not reached directly (%s); its blobs go through the server", why)
        self._again_at = time.monotonic() + AVOIDED_SECONDS

    def avoid_puts(self) -> None:
        """The server gives no links to write under."""
        self._puts_again_at = time.monotonic() + AVOIDED_SECONDS
