"""A WORK message, opened: consecutive jobs of one submission, their function and their arguments."""

import mmap
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloud.pickling import MAX_BYTES, Arguments, PickedArguments, log_of
from cloud.pickling.plain import is_plain
from cloud.runner.inbox import Inbox
from cloud.wire.message import Header
from cloud.wire.worker import CACHED_CHUNKS, CACHED_FUNCTIONS, Recent

CACHED, INLINE, FILE = range(3)
"""How a piece comes: not at all (the worker has it), as a frame, as a descriptor."""


@dataclass(slots=True)
class Work:
    """Jobs `first`..`first + count - 1` of submission `sid`, with seqs from `seq`."""

    seq: int
    count: int
    sid: int
    first: int
    jid: int
    digest: str
    function: bytes | memoryview | mmap.mmap
    chunks: list[tuple[int, int, Arguments]]
    """Index of the first job in it, one past the last."""
    level: int
    """`_fast_serialization`."""
    call: bool
    profile: bool
    token: str
    variables: dict[str, str]
    max_bytes: int
    """Largest result that is kept."""
    datalog: str
    """Where logs of results begin; empty: there are none."""
    distributions: str
    loaded: Callable[..., Any] | None = None
    """The function, once a job of this message has needed it."""
    """'module=name version' of the client's installed modules, separated by ';'."""

    def index_of(self, seq: int) -> int:
        """Which job of the submission this is."""
        return self.first + seq - self.seq

    def log_of(self, seq: int) -> str:
        """Where the log of that job's result is."""
        return log_of(self.datalog, None if self.call else self.first + seq - self.seq)


class Opener:
    """Opens WORK messages and remembers pieces, exactly those that the agent knows it remembers."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._terms: Header = {}
        """What messages leave out that is as it was in the one before."""
        self._recent_functions = Recent(CACHED_FUNCTIONS)
        self._recent_chunks = Recent(CACHED_CHUNKS)
        self._functions: dict[object, Any] = {}
        self._chunks: dict[object, Arguments] = {}
        self._loaded: dict[tuple[int, str], Callable[..., Any]] = {}

    def open(self, header: Header, frames: list[memoryview]) -> Work:
        """The jobs of a message."""
        terms = self._terms = header.get("terms", self._terms)
        digest, sid = terms["function"], header["sid"]
        frames.reverse()
        _, gone = self._recent_functions.use(digest)
        for key in gone:
            self._functions.pop(key, None)
        if header["how"] != CACHED:
            self._functions[digest] = self._piece(header["how"], frames)
        chunks = []
        for first, count, how, *picks in header["chunks"]:
            chunk = (sid, first)
            _, gone = self._recent_chunks.use(chunk)
            if how == CACHED:
                arguments = self._chunks[chunk]
            else:
                packed = memoryview(self._piece(how, frames))
                arguments = PickedArguments(packed, [range(*r) for r in picks[0]]) if picks else Arguments(packed)
            self._chunks[chunk] = arguments
            chunks.append((first, first + count, arguments))
            for key in gone:
                self._chunks.pop(key, None)
        return Work(
            header["seq"], header["count"], sid, header["first"], header["jid"], digest, self._functions[digest],
            chunks, terms["level"], terms["call"], terms["profile"], header["token"], terms["variables"],
            terms.get("max_bytes", MAX_BYTES), terms.get("datalog", ""), terms.get("distributions", ""),
        )  # fmt: skip

    def function(self, work: Work) -> Callable[..., Any]:
        """The function, unpickled once per submission, and once at all where no copy of it can tell. Raises whatever
        unpickling raises."""
        key, shared = (work.sid, work.digest), (-1, work.digest)
        function = self._loaded.get(key, self._loaded.get(shared))
        if function is None:
            function = pickle.loads(work.function)
            if is_plain(function):
                key = shared
            while len(self._loaded) >= CACHED_FUNCTIONS:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = function
        work.loaded = function
        return function

    def _piece(self, how: int, frames: list[memoryview]) -> memoryview | mmap.mmap:
        if how == INLINE:
            return frames.pop()
        fd = self._inbox.descriptor()
        try:
            return mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(fd)
