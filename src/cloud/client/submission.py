"""From the user's words to parts of a submission: one call, or a map of any length in bounded memory.

A map is packed in chunks (at most 500 jobs, about 1 MiB), which travel together up to about 1 MiB a message; the last
message seals it and brings the jids (DESIGN D4). A map that fits in one message, which most do, is one request.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

from cloud.api import JobApi, NewChunk, Part, Receipt
from cloud.client.code.transfer import Transfer
from cloud.client.naming import full_name
from cloud.client.packing import Packer
from cloud.client.reserved import Reserved
from cloud.client.shown import SHOWN_JOBS, shown_arguments
from cloud.errors import ServerUnavailable
from cloud.model import Buffer, Environment, Spec
from cloud.pickling import MAX_BYTES

CHUNK_JOBS = 500
CHUNK_BYTES = 1 << 20
MESSAGE_BYTES = 1 << 20
MESSAGE_CHUNKS = 64
SIGN_OF_LIFE_SECONDS = 5.0
"""What a slow generator has produced is sent at least so often: the server drops maps whose client is silent."""
_KNOWN_FUNCTIONS_MOST = 4096
_SMALL = frozenset({int, float, bool, type(None)})


class Submitter:
    """Submits to one `JobApi`; remembers which functions it has. Safe to use from several threads.

    Args:
        api: where to.
        where: how users call it, for messages.
        parent_jid: the job that this code runs in, if it does.
        packer: makes bytes of functions and arguments, and their logs.
        results_here: whether jobs run on this machine for this program alone (cloud.mp), so that workers log results.
    """

    def __init__(
        self,
        api: JobApi,
        where: str,
        parent_jid: Callable[[], int | None],
        packer: Packer,
        *,
        results_here: bool = False,
    ) -> None:
        self._api = api
        self._packer = packer
        self._results_here = results_here
        self._where = where
        self._parent_jid = parent_jid
        self._known_functions: set[str] = set()
        self._transfer = Transfer(api)
        self._last: tuple[tuple[object, ...], Spec, Reserved] | None = None
        """The spec that was made last, for what, and what keeps the ids in that from being used again."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], told: Reserved) -> int:
        """Submit one job; its jid.

        Raises:
            CannotPickle, ExcessiveData: the function or an argument; nothing was submitted.
            CloudException: the server refused, or cannot be reached.
        """
        where = f"{self._where}.call"
        log = self._begin_log("call", function)
        digest, packed = self._packer.function(function, where)
        chunk = NewChunk(0, 1, self._packer.call(args, kwargs, told.fast_serialization, where, log))
        environment = self._transfer.environment(where, digest, packed, [chunk])
        spec = self._spec("call", function, digest, told, (shown_arguments(args, kwargs),), environment, log)
        jids = self._send(Part(_token(), spec, [packed], [chunk], 1))
        assert jids is not None, "a sealed submission has jids"
        return jids.start

    def map(self, function: Callable[..., Any], sequences: tuple[Iterable[Any], ...], told: Reserved) -> range:
        """Submit a job for each tuple of the sequences, shorter ones padded with None; their jids, maybe none.

        Raises:
            CannotPickle, ExcessiveData: naming the item; nothing was submitted.
            CloudException: the server refused, or cannot be reached.
            Exception: whatever iterating over the sequences raises; nothing was submitted.
        """
        where = f"{self._where}.map"
        log = self._begin_log("map", function)
        digest, packed = self._packer.function(function, where)
        jobs = iter(_jobs(sequences, where))
        shown: list[str] = []
        pack = partial(self._packer.map, level=told.fast_serialization, where=where, path=log)
        chunks = _chunks(jobs, pack, shown, sized=all(hasattr(s, "__len__") for s in sequences))
        token = _token()
        spec: Spec | None = None
        total = 0
        try:
            for message in _messages(chunks):
                if spec is None:
                    environment = self._transfer.environment(where, digest, packed, message.chunks)
                    spec = self._spec("map", function, digest, told, tuple(shown), environment, log)
                else:
                    self._transfer.check(where, spec.environment, digest, packed, message.chunks)
                total += sum(chunk.count for chunk in message.chunks)
                part = Part(token, spec, [packed], message.chunks, total if message.last else None)
                jids = self._send(part)
        except BaseException:
            if spec is not None:  # something was sent, perhaps
                self._drop(token)
            raise
        if spec is None:
            return range(0)
        assert jids is not None, "a sealed submission has jids"
        return jids

    def _begin_log(self, kind: str, function: Callable[..., Any]) -> str:
        datalog = self._packer.datalog
        return "" if datalog is None else datalog.begin(kind, function)

    def _send(self, part: Part) -> range | None:
        """Send a part, with the function only when the server does not have it yet."""
        assert part.spec is not None
        digest = part.spec.function
        if digest in self._known_functions:
            receipt = self._submit(Part(part.token, part.spec, None, part.chunks, part.count))
            if not receipt.missing_function:
                return receipt.jids
        receipt = self._submit(part)
        if len(self._known_functions) >= _KNOWN_FUNCTIONS_MOST:
            self._known_functions.clear()
        self._known_functions.add(digest)
        return receipt.jids

    def _submit(self, part: Part) -> Receipt:
        receipt = self._api.submit(part)
        if receipt.missing_code and part.spec is not None:  # it was collected, or this is another server by now
            self._transfer.repeat(self._where, part.spec.environment.code_version)
            receipt = self._api.submit(part)
        if receipt.missing_code:
            raise ServerUnavailable(f"{self._where}: the server does not keep the local modules that a job needs")
        return receipt

    def _drop(self, token: str) -> None:
        """Leave no half-made map behind; if that cannot be said now, the server finds out by our silence."""
        try:
            self._api.drop(token)
        except Exception:
            return

    def _spec(
        self,
        kind: Literal["call", "map"],
        function: Callable[..., Any],
        digest: str,
        told: Reserved,
        shown: tuple[str, ...],
        environment: Environment,
        log: str,
    ) -> Spec:
        parent, about, distributions = self._parent_jid(), _about_client(), self._transfer.about()
        key = (kind, digest, id(told), id(environment), log, parent, about, distributions)
        if self._last is not None and self._last[0] == key:
            return self._last[1].showing(shown)
        spec = Spec(
            kind=kind,
            function=digest,
            function_name=full_name(function),
            environment=environment,
            label=told.label,
            priority=told.priority,
            cores=told.cores,
            core_type=told.core_type,
            max_runtime_seconds=told.max_runtime_seconds,
            restartable=told.restartable,
            kill_process=told.kill_process,
            profile=told.profile,
            depends_on=told.depends_on,
            depends_on_errors=told.depends_on_errors,
            os_env_vars=told.os_env_vars,
            fast_serialization=told.fast_serialization,
            parent_jid=parent,
            shown_arguments=shown,
            client={**about, **distributions},
            max_transmit_data=self._packer.told.max_bytes if self._packer.told.max_bytes != MAX_BYTES else 0,
            datalog=log if self._results_here else "",
        )
        self._last = key, spec, told
        return spec


def _token() -> str:
    return os.urandom(16).hex()


_about: tuple[int, dict[str, str]] | None = None


def _about_client() -> dict[str, str]:
    """Who submits, for people to read."""
    global _about
    pid = os.getpid()
    if _about is None or _about[0] != pid:
        import platform

        _about = (
            pid,
            {
                "host": platform.node(),
                "pid": str(pid),
                "python": ".".join(map(str, sys.version_info[:3])),
                "program": os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else "",
            },
        )
    return _about[1]


def check_sequences(sequences: tuple[Any, ...], where: str) -> None:
    """Raises: ValueError without any, TypeError for one that cannot be iterated over, or is text (SPEC B.3)."""
    if not sequences:
        raise ValueError(f"{where} needs at least 2 arguments: a function and a sequence of its arguments")
    for position, sequence in enumerate(sequences, 1):
        if isinstance(sequence, (str, bytes, bytearray)) or not isinstance(sequence, Iterable):
            if hasattr(sequence, "__getitem__") and not isinstance(sequence, (str, bytes, bytearray, type)):
                continue  # the old protocol of iteration
            one = isinstance(sequence, (str, bytes, bytearray))
            why = f" of jobs' arguments: {type(sequence).__name__} is one argument; put it into a list" * one
            raise TypeError(f"{where}: map argument {position} ({sequence!s:.80}) is not an iterable{why}")


def _jobs(sequences: tuple[Iterable[Any], ...], where: str) -> Iterable[tuple[Any, ...]]:
    """The arguments of each job."""
    try:
        return zip(sequences[0]) if len(sequences) == 1 else itertools.zip_longest(*sequences)
    except TypeError as error:  # e.g. a 0-dimensional array
        raise TypeError(f"{where}: {error}") from None


def _chunks(
    jobs: Iterator[tuple[Any, ...]],
    pack: Callable[[list[tuple[Any, ...]], int], list[Buffer]],
    shown: list[str],
    *,
    sized: bool,
) -> Iterator[NewChunk]:
    """Pack jobs into chunks, filling `shown` on the way.

    How many jobs make 1 MiB is learnt from the chunks before, from few jobs on, unless all are small numbers.
    """
    first, most = 0, 8
    while batch := _take(jobs, CHUNK_JOBS if first == 0 and sized else most, sized=sized):
        if first == 0 and len(batch) > most and not _all_small(batch):
            jobs = itertools.chain(batch[most:], jobs)
            batch = batch[:most]
        if len(shown) < SHOWN_JOBS:
            shown += [shown_arguments(args) for args in batch[: SHOWN_JOBS - len(shown)]]
        parts = pack(batch, first)
        yield NewChunk(first, len(batch), parts)
        first += len(batch)
        affordable = int(CHUNK_BYTES * len(batch) / max(_size(parts), 1))
        most = max(1, min(CHUNK_JOBS, affordable, 8 * max(len(batch), 8)))


def _all_small(batch: list[tuple[Any, ...]]) -> bool:
    return all(_SMALL.issuperset(map(type, args)) for args in batch)


def _take(jobs: Iterator[tuple[Any, ...]], most: int, *, sized: bool) -> list[tuple[Any, ...]]:
    """The next jobs; of a generator, those that it yields in a few seconds."""
    if sized:
        return list(itertools.islice(jobs, most))
    batch: list[tuple[Any, ...]] = []
    until = time.monotonic() + SIGN_OF_LIFE_SECONDS
    for args in jobs:
        batch.append(args)
        if len(batch) >= most or time.monotonic() > until:
            break
    return batch


class _Message:
    """Chunks that travel together."""

    __slots__ = ("chunks", "last")

    def __init__(self, chunks: list[NewChunk], *, last: bool) -> None:
        self.chunks = chunks
        self.last = last


def _messages(chunks: Iterator[NewChunk]) -> Iterator[_Message]:
    """Group chunks; the last message is known as such, because one chunk is held back. No chunks, no message."""
    held: list[NewChunk] = []
    size_bytes = 0
    sent_at = time.monotonic()
    for chunk in chunks:
        overdue = time.monotonic() - sent_at > SIGN_OF_LIFE_SECONDS
        if held and (size_bytes >= MESSAGE_BYTES or len(held) >= MESSAGE_CHUNKS or overdue):
            yield _Message(held, last=False)
            held, size_bytes, sent_at = [], 0, time.monotonic()
        held.append(chunk)
        size_bytes += _size(chunk.parts)
    if held:
        yield _Message(held, last=True)


def _size(parts: Iterable[Buffer]) -> int:
    return sum(part.nbytes if isinstance(part, memoryview) else len(part) for part in parts)
