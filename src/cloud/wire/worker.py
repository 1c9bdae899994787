"""What an agent, its template and its workers say to each other, and the door a job finds to its own cloud.

agent <-> template    `Control` records of fixed size on one socket; a SPAWN brings descriptors along
agent  -> worker      `message`s on the work socket: {"op": "work" | "space" | "exit"}; most "work" in its `brief` form
worker -> agent       `LARGE` records on the work socket, each with one descriptor
worker <-> agent      `REQUEST` records on the api socket, each followed by that many bytes
"""

import enum
import signal
import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from cloud.model import Buffer, Ranges

PROTOCOL = 4
"""Of everything in this module and in `ring`; template and agent must agree."""

CONTROL = struct.Struct("<IIqq")
"""Op, worker, and two numbers."""
SPAWN_DESCRIPTORS = 7
"""Work socket, api socket, stdout, stderr, shared memory, wake-up, and an epoll that is readable while output is."""

LARGE = struct.Struct("<QQ")
"""Seq and size of a result whose descriptor comes with it."""

REQUEST = struct.Struct("<IIQ")
"""Op (`Ask`), id of the question, bytes that follow."""

STACK_SIGNAL = int(signal.SIGRTMIN) + 13 if hasattr(signal, "SIGRTMIN") else int(getattr(signal, "SIGUSR2", 0))
"""Makes a worker write the stacks of all its threads behind its shared memory. One that programs do not use."""

MARK = struct.Struct("<16sQ")
"""An end mark in a pipe: the worker's nonce and a seq."""

BODY = struct.Struct("<IIII")
"""Lengths of result, error, exception, extra at the start of a rich record."""

CACHED_FUNCTIONS = 16
CACHED_CHUNKS = 8
"""How many functions and chunks a worker remembers; its agent remembers the same ones, so that none is sent twice."""


class Op(enum.IntEnum):
    """Control records."""

    SPAWN = 1
    """To the template: fork this worker."""
    INTERRUPT = 2
    """To the template: SIGINT to this worker."""
    KILL = 3
    """To the template: SIGKILL to this worker and whatever it leaves behind."""
    HELLO = 4
    """From the template: it is ready; (protocol, version of Python as major << 8 | minor)."""
    FORKED = 5
    """From the template: (pid, 0)."""
    EXITED = 6
    """From the template: (wait status as of `waitpid`, whether KILL was asked for)."""
    STACK = 7
    """To the template: `STACK_SIGNAL` to this worker."""
    SIGNALLED = 8
    """From the template: it was sent."""


class Ask(enum.IntEnum):
    """Records on the api socket."""

    REQUEST = 1
    """To the agent: a `wire` message for `Served`. Back: the answer's bytes."""
    WAITING = 2
    """To the agent: JSON ranges of jids the job begins to wait for. Back: empty, or why it may not."""
    RESUMED = 3
    """To the agent: the wait is over. No answer."""


class Channel(Protocol):
    """How code inside a job reaches the cloud that runs it (DESIGN D12)."""

    jid: int
    account: int
    token: str
    """What the job shows to its own server; '' where it has none."""
    serves: bool
    """Whether `request` is answered (cloud.mp); on a server, jobs use HTTP with the token."""

    def request(self, parts: Sequence[Buffer]) -> bytearray:
        """Send a `wire` message, wait for the answer. From any thread."""
        ...

    def waiting(self, jids: Ranges) -> None:
        """The job is about to wait: lend its slot out.

        Raises:
            CloudException: too many jobs wait already.
        """
        ...

    def resumed(self) -> None:
        """The wait is over."""
        ...


CHANNEL: Channel | None = None
"""Set by the runner in a worker process; None everywhere else."""

CODE: tuple[str, str] | None = None
"""Code version that this worker is bound to and the folder where its files are; None: no local modules travelled."""

DATALOG = ""
"""Where the serialization logs of the job that runs now begin (`Spec.datalog`); set by the runner."""

AT_JOB_END: list[Callable[[], object]] = []
"""What closes things that must not outlive a job (a `cloud.mp` of its own); the runner calls and forgets them at its
end."""


class Recent:
    """Keys of the last few things sent to a worker; both sides keep one and see the same keys in the same order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: dict[object, None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def use(self, key: object) -> tuple[bool, list[object]]:
        """Whether the key was there, and which keys were forgotten to make room."""
        there = key in self._keys
        if there:
            del self._keys[key]
        self._keys[key] = None
        gone = []
        while len(self._keys) > self._size:
            oldest = next(iter(self._keys))
            del self._keys[oldest]
            gone.append(oldest)
        return there, gone
