"""The envelope: one pickled value, with large buffers beside the pickle instead of inside it (pickle protocol 5).

    a bare pickle (first byte 0x80)                                    nothing out of band
    'B' | 7 zero bytes | number of buffers u64 | pickle length u64 | buffer lengths u64 ... | pickle | buffers

Each buffer begins at a multiple of 64 bytes from the envelope's start, so that arrays mapped from a file are aligned.
"""

import io
import pickle
import struct
import sys
from typing import Any

from cloud.model import Buffer, Column
from cloud.pickling.aside import PROTOCOL, Aside
from cloud.pickling.limits import MAX_BYTES

ALIGNMENT_BYTES = 64
CACHE_TAG = sys.implementation.cache_tag or "unknown"
"""Which interpreters can open code that this one pickled."""

_HEAD = struct.Struct("<8sQQ")
_MARK = b"B" + bytes(7)
SCALARS = frozenset({int, float, str, bytes, bool, type(None)})


def dumps(value: Any, level: int = 0, max_bytes: int = MAX_BYTES) -> list[Buffer]:
    """The envelope of a value, as buffers to write in order; large arrays are not copied.

    Args:
        value: anything the enhanced pickler can pickle (anything pickle can, at level 2).
        level: `_fast_serialization` (SPEC S41). What makes 0 different from 1 happens after a failure, in `trace`.
        max_bytes: larger open files are refused. The whole is not measured here: see `size_of`.

    Raises:
        Exception: whatever pickling raises.
    """
    kind = type(value)
    if kind in SCALARS or (kind is tuple and SCALARS.issuperset(map(type, value))):
        return [pickle.dumps(value, PROTOCOL)]
    aside = Aside()
    if level >= 2:
        packed = pickle.dumps(value, PROTOCOL, buffer_callback=aside)
    else:
        from cloud.pickling.pickler import pickled  # cloudpickle takes 30 ms to import, and scalars do not need it

        packed = pickled(value, aside, max_bytes)
    beside = aside.buffers
    if not beside:
        return [packed]
    head = _HEAD.pack(_MARK, len(beside), len(packed)) + struct.pack(f"<{len(beside)}Q", *(b.nbytes for b in beside))
    parts: list[Buffer] = [head, packed]
    position = len(head) + len(packed)
    for buffer in beside:
        gap = -position % ALIGNMENT_BYTES
        if gap:
            parts.append(bytes(gap))
        parts.append(buffer)
        position += gap + buffer.nbytes
    return parts


def loads(envelope: Buffer, cache_tag: str = CACHE_TAG) -> Any:
    """The value in an envelope; arrays share the envelope's memory when it is writable, else are read-only views.

    Args:
        envelope: from `dumps`.
        cache_tag: of the interpreter that made it. Data opens anywhere; code of another version does not.

    Raises:
        pickle.UnpicklingError: it holds code pickled by another version of Python.
        Exception: whatever unpickling raises.
    """
    view = memoryview(envelope)
    packed, beside = view, []
    if view[0] == _MARK[0]:
        _, number, length = _HEAD.unpack_from(view)
        lengths = struct.unpack_from(f"<{number}Q", view, _HEAD.size)
        position = _HEAD.size + 8 * number
        packed = view[position : position + length]
        position += length
        for size in lengths:
            position += -position % ALIGNMENT_BYTES
            beside.append(view[position : position + size])
            position += size
    if cache_tag != CACHE_TAG:
        return _DataUnpickler(packed, beside, cache_tag).load()
    return pickle.loads(packed, buffers=beside)


def loads_column(column: Column, lo: int, hi: int, cache_tag: str = CACHE_TAG) -> list[Any]:
    """The values of entries lo..hi-1 of a column of envelopes, none of them empty; as `loads` for each, but quicker.

    Raises:
        Exception: whatever unpickling the first entry that cannot be opened raises.
    """
    view, offsets, plain = memoryview(column.data), column.offsets, cache_tag == CACHE_TAG
    start, load = offsets[lo], pickle.loads
    values = []
    for stop in offsets[lo + 1 : hi + 1]:
        envelope = view[start:stop]
        values.append(load(envelope) if plain and envelope[0] == 0x80 else loads(envelope, cache_tag))
        start = stop
    return values


class _DataUnpickler(pickle.Unpickler):
    """Opens what another version of Python pickled, as long as no code is in it: foreign byte code crashes us."""

    def __init__(self, packed: memoryview, beside: list[memoryview], cache_tag: str) -> None:
        super().__init__(io.BytesIO(packed), buffers=beside)
        self.cache_tag = cache_tag

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("cloudpickle") or (module, name) in (("types", "CodeType"), ("builtins", "code")):
            raise pickle.UnpicklingError(
                f"it contains a function or class pickled by {self.cache_tag}, which {CACHE_TAG} cannot open; "
                f"read it with the Python that submitted the job"
            )
        return super().find_class(module, name)
