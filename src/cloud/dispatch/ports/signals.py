"""The Signals port: what the processes that share a store tell each other."""

from dataclasses import dataclass
from typing import Protocol

from cloud.model import Stretch


@dataclass(frozen=True, slots=True)
class Kill:
    """Claimed jobs that a user wants to end, for whoever holds the claim."""

    stretch: Stretch
    force: bool


@dataclass(frozen=True, slots=True)
class News:
    """What happened."""

    touched: frozenset[int] = frozenset()
    """Submissions about which somebody may want to know."""
    ready: bool = False
    """Jobs have become ready that who made them ready cannot run."""
    kills: tuple[Kill, ...] = ()
    missed: bool = False
    """More may have happened than was heard: look at everything."""


class Signals(Protocol):
    """Wake-ups between processes. They may be lost, and say then that they were; nothing but speed depends on them."""

    def fileno(self) -> int:
        """Readable when there is something to hear."""
        ...

    def tell(self, news: News) -> None:
        """Tell all others: inside a transaction of the store after its commit, outside at once."""
        ...

    def heard(self) -> News | None:
        """What others told since the last call, put together; None: nothing."""
        ...
