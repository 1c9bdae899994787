"""A chunk: the packed arguments of consecutive jobs, each of which can be opened alone.

    'P' | pickle of a list of columns                                  plain: every argument is a scalar
    'I' or 'K' | 7 zero bytes | count u64 | offsets u64 ... | envelopes        one envelope per job

'I' envelopes hold the tuple of positional arguments (a map), 'K' a pair (args, kwargs) (a call). Offsets count from the
start of the chunk and are multiples of 64, so that arrays are aligned. Jobs share no objects: each is pickled alone,
but in a plain chunk, where there is nothing that could be shared.
"""

import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloud.model import Buffer
from cloud.pickling.aside import PROTOCOL
from cloud.pickling.envelope import ALIGNMENT_BYTES, SCALARS, dumps, loads
from cloud.pickling.limits import MAX_BYTES, size_of

_JOINED_MAX_BYTES = 16384
_LONE = struct.Struct("<8sQQQ32x")
"""The head of a chunk of one envelope, filled up to where that begins."""


class ArgumentPicklingError(Exception):
    """The arguments of one job cannot be pickled; `index` is its position in the chunk, `__cause__` says why."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class TooLarge(Exception):
    """The arguments of one job take `size_bytes`, more than is allowed; `index` is its position in the chunk."""

    def __init__(self, index: int, size_bytes: int) -> None:
        super().__init__(index, size_bytes)
        self.index = index
        self.size_bytes = size_bytes


def pack_call(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], level: int = 0, max_bytes: int = MAX_BYTES
) -> list[Buffer]:
    """A chunk of one job with keyword arguments.

    Raises:
        TooLarge: arguments and keyword arguments together are larger than `max_bytes`.
        Exception: whatever pickling raises.
    """
    if SCALARS.issuperset(map(type, args)) and SCALARS.issuperset(map(type, kwargs.values())):
        packed = pickle.dumps((args, dict(kwargs)), PROTOCOL)
        if len(packed) <= min(max_bytes, _JOINED_MAX_BYTES):
            return [_LONE.pack(b"K", 1, _LONE.size, _LONE.size + len(packed)) + packed]
    return _assemble(b"K", [dumps((args, dict(kwargs)), level, max_bytes)], max_bytes)


def pack_map(jobs: Sequence[tuple[Any, ...]], level: int = 0, max_bytes: int = MAX_BYTES) -> list[Buffer]:
    """A chunk of jobs, each a tuple of positional arguments, all of one length.

    Raises:
        ArgumentPicklingError: naming the first job whose arguments cannot be pickled.
        TooLarge: naming the first job whose arguments are larger than `max_bytes`.
    """
    columns = [list(column) for column in zip(*jobs, strict=True)]
    if columns and all(SCALARS.issuperset(map(type, column)) for column in columns):
        packed = b"P" + pickle.dumps(columns, PROTOCOL)
        if len(packed) > max_bytes:
            for index, arguments in enumerate(jobs):
                if (size := size_of(dumps(arguments))) > max_bytes:
                    raise TooLarge(index, size)
        return [packed]
    envelopes = []
    for index, arguments in enumerate(jobs):
        try:
            envelopes.append(dumps(arguments, level, max_bytes))
        except Exception as error:
            raise ArgumentPicklingError(index) from error
    return _assemble(b"I", envelopes, max_bytes)


def _assemble(kind: bytes, envelopes: list[list[Buffer]], max_bytes: int) -> list[Buffer]:
    position = 16 + 8 * (len(envelopes) + 1)
    offsets = []
    body: list[Buffer] = []
    for index, envelope in enumerate(envelopes):
        gap = -position % ALIGNMENT_BYTES
        if gap:
            body.append(bytes(gap))
            position += gap
        offsets.append(position)
        body.extend(envelope)
        size = size_of(envelope)
        if size > max_bytes:
            raise TooLarge(index, size)
        position += size
    offsets.append(position)
    head = kind + bytes(7) + struct.pack(f"<{1 + len(offsets)}Q", len(envelopes), *offsets)
    if position <= _JOINED_MAX_BYTES:
        return [b"".join([head, *body])]
    return [head, *body]


class Arguments:
    """A chunk, opened: `arguments[i]` is (args, kwargs) of its i-th job, unpickled anew each time."""

    def __init__(self, chunk: Buffer, loads: Callable[[Buffer], Any] = loads) -> None:
        self._view = memoryview(chunk)
        self._loads = loads
        self._kind = self._view[0]
        if self._kind == ord("P"):
            self._columns: list[list[Any]] = pickle.loads(self._view[1:])
            self._count = len(self._columns[0])
            self._only = self._columns[0] if len(self._columns) == 1 else None
        else:
            (self._count,) = struct.unpack_from("<Q", self._view, 8)
            self._offsets = struct.unpack_from(f"<{self._count + 1}Q", self._view, 16)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._kind == ord("P"):
            if self._only is not None:
                return (self._only[i],), {}
            return tuple([column[i] for column in self._columns]), {}
        value = self._loads(self._view[self._offsets[i] : self._offsets[i + 1]])
        return value if self._kind == ord("K") else (value, {})


class PickedArguments(Arguments):
    """Some jobs of a chunk: `arguments[i]` is (args, kwargs) of the job at the i-th of these positions in it."""

    def __init__(self, chunk: Buffer, picks: Sequence[range], loads: Callable[[Buffer], Any] = loads) -> None:
        super().__init__(chunk, loads)
        self._positions = [position for run in picks for position in run]

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, i: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return super().__getitem__(self._positions[i])
