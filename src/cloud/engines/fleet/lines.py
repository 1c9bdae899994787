"""How an engine reaches agents that are elsewhere: what a cluster has to offer."""

import secrets
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

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
    kind: str
    """The name of its type, as it was asked for; '' where that is not known."""

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


class Found(NamedTuple):
    """Agents of earlier servers."""

    here: list[tuple[Line, bytes]]
    """With their answers to `hello`."""
    late: list[Line]
    """They did not answer in time, or there is no room for them yet; when they do they will have `joined`."""


def agent_name(server: str, kind: str) -> str:
    """Of a new agent; those of a server begin alike, with `prefix_of`."""
    return f"{prefix_of(server)}{kind}/{secrets.token_hex(6)}"


def prefix_of(server: str) -> str:
    """Of the names of a server's agents."""
    return f"picloud-agent/{server}/"


def kind_of(name: str) -> str:
    """The name of an agent's type, by its own."""
    return name.split("/")[-2] if "/" in name else ""


class Lines(Protocol):
    """Starts agents and listens to them, in a thread of its own; says what it hears through three functions that may be
    called from any thread."""

    trouble: str
    """Why no agent can be reached or started just now, for people; ''."""

    def open(self, joined: Joined, heard: Heard, gone: Gone) -> Found:
        """Begin: once, first.

        Args:
            joined: an agent is ready; its answer to `hello`.
            heard: an agent's answer to `listen`, which is asked again and again.
            gone: an agent is dead for certain, and why; or it is `TAKEN`.

        Returns:
            Agents that this server left behind when it ended; waits a few seconds for their answers.
        """
        ...

    def take(self, names: Collection[str]) -> Found:
        """Those of these agents, of servers that are gone, that there are; they are ours now. Waits like `open`."""
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
