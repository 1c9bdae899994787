"""How an engine reaches agents that are elsewhere: what a cluster has to offer."""

from collections.abc import Callable, Collection
from typing import Protocol

from cloud.wire.message import Header

TAKEN = "another server has taken it"
"""Why an agent is gone that lives; its jobs are that server's."""
Joined = Callable[["Line", bytes], None]
Heard = Callable[["Line", bytes], None]
Gone = Callable[["Line", str], None]


class Line(Protocol):
    """The way to one agent's `Foreman`. Nothing here waits, but `ask`."""

    name: str
    """Of the agent, unique in the cluster, the same after a restart of the server."""

    def tell(self, message: bytes) -> None:
        """See `Foreman.tell`; the line numbers messages."""
        ...

    def ask(self, message: bytes, seconds: float) -> bytes:
        """See `Foreman.ask`; b'' also when the agent does not answer."""
        ...

    def acknowledge(self, groups: int) -> None:
        """Those below this number are stored."""
        ...

    def end(self) -> None:
        """Let the agent go, with whatever runs there."""
        ...


class Lines(Protocol):
    """Starts agents and listens to them, in a thread of its own; says what it hears through three functions that may be
    called from any thread."""

    def open(self, joined: Joined, heard: Heard, gone: Gone) -> list[tuple[Line, bytes]]:
        """Begin: once, first.

        Args:
            joined: an agent is ready; its answer to `hello`.
            heard: an agent's answer to `listen`, which is asked again and again.
            gone: an agent is dead for certain, and why; or it is `TAKEN`.

        Returns:
            Agents that this server left behind when it ended, with their answers to `hello`; waits a few seconds.
        """
        ...

    def take(self, names: Collection[str]) -> list[tuple[Line, bytes]]:
        """Those of these agents, of servers that are gone, which answer within a few seconds; they are ours now."""
        ...

    def start(self, wanted: Header) -> str:
        """Have one more agent, as soon as the cluster has room: {"slots": n, ...}; see `AgentType.wanted`. It will have
        `joined`, or be `gone`.

        Returns:
            Its name.
        """
        ...

    def close(self) -> None:
        """Let go of the cluster; agents stay until their silence is over or another server takes them."""
        ...
