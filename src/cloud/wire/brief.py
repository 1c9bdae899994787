"""The brief form of a WORK message, without JSON: arguments for a worker that knows everything else already.

    magic 'PCb1' | size of all of it u32 | seq, count, sid, index of the first job, its jid, index of the first job of
    the chunk, number of jobs in the chunk, i64 each | length of the token u64 | token | arguments

Most WORK messages are such: the function and the terms are those of the message before, one chunk, which comes along.
"""

import struct

from cloud.errors import ProtocolMismatch
from cloud.model import Buffer
from cloud.wire.message import Header

MAGIC = b"PCb1"
_FORM = struct.Struct("<4sI7qQ")
_SIZE = struct.Struct("<4xI")
MOST_BYTES = 4096
"""Longer arguments are not joined to what precedes them, and the saving is nothing beside them."""
INLINE = 1
"""As in `runner.work`."""


def encode(seq: int, count: int, sid: int, first: int, jid: int, chunk: tuple[int, int], token: str,
           arguments: Buffer) -> bytes:  # fmt: skip
    """The message; `chunk` is the index of its first job and how many it has."""
    told = token.encode()
    size = _FORM.size + len(told) + len(arguments)
    return b"".join((_FORM.pack(MAGIC, size, seq, count, sid, first, jid, *chunk, len(told)), told, arguments))


def is_brief(beginning: Buffer) -> bool:
    """Whether a message that begins so is of this form."""
    return beginning[:4] == MAGIC


def size_of(beginning: Buffer) -> int:
    """Bytes of the whole message, of which the first eight are here."""
    return int(_SIZE.unpack_from(beginning)[0])


def decode(message: Buffer) -> tuple[Header, list[memoryview]]:
    """What `message.decode` would have made of the long form; the frame is a view.

    Raises:
        ProtocolMismatch: it was cut short.
    """
    view = memoryview(message)
    if len(view) < _FORM.size:
        raise ProtocolMismatch("a message was cut short", retry=True)
    _, _, seq, count, sid, first, jid, chunk_first, chunk_count, length = _FORM.unpack_from(view)
    start = _FORM.size + length
    token = str(view[_FORM.size : start], "utf-8") if length else ""
    header: Header = {
        "op": "work", "seq": seq, "count": count, "sid": sid, "first": first, "jid": jid, "how": 0,
        "chunks": ((chunk_first, chunk_count, INLINE),), "token": token,
    }  # fmt: skip
    return header, [view[start:]]
