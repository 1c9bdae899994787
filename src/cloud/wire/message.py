"""The message: a small JSON header, then byte frames with their lengths up front.

    magic 'PC' + version (4 bytes) | header length u32 | number of frames u32 | bytes of all frames u64
    header, UTF-8 JSON | length of each frame, u64 | the frames

Used as the body of HTTP requests and answers and on the sockets between an agent and its workers. Little-endian.
Nothing in the header is per job; what is, travels as binary columns in frames.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any

from cloud.errors import ProtocolMismatch
from cloud.model import Buffer

PROTOCOL = 2
"""Version of the calls and messages; a client and a server with different ones do not talk."""
CONTENT_TYPE = f"application/x-picloud; protocol={PROTOCOL}"
"""Of a request: what its message can only be read by."""
MAGIC = b"PC01"
PREFIX = struct.Struct("<4sIIQ")

_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode

Header = dict[str, Any]
Frame = Buffer | Sequence[Buffer]
"""A frame may be given in pieces; they are sent one after another and arrive as one."""


def encode(header: Header, frames: Sequence[Frame] = ()) -> list[Buffer]:
    """The message as buffers to write in order; large frames are passed through, not copied."""
    lengths = []
    tail: list[Buffer] = []
    for frame in frames:
        if type(frame) is bytes:
            lengths.append(len(frame))
            tail.append(frame)
        elif isinstance(frame, (bytes, bytearray, memoryview)):
            lengths.append(_size(frame))
            tail.append(frame)
        else:
            lengths.append(sum(_size(piece) for piece in frame))
            tail.extend(frame)
    text = _to_json(header).encode()
    total = sum(lengths)
    head = PREFIX.pack(MAGIC, len(text), len(lengths), total) + text + struct.pack(f"<{len(lengths)}Q", *lengths)
    if total <= 4096:
        return [b"".join([head, *tail])]
    return [head, *tail]


def rest_of(prefix: Buffer) -> int:
    """How many bytes follow the `PREFIX.size` bytes of a prefix.

    Raises:
        ProtocolMismatch: these are not the first bytes of a message of this version.
    """
    magic, header_length, number, total = PREFIX.unpack_from(prefix)
    if magic != MAGIC:
        raise ProtocolMismatch(
            f"expected a message that begins with {MAGIC!r}, got {bytes(magic)!r}",
            hint="client, server and workers must be the same major version of picloud",
        )
    return int(header_length + 8 * number + total)


def decode(message: Buffer) -> tuple[Header, list[memoryview]]:
    """Header and frames of a whole message; the frames are views into it.

    Raises:
        ProtocolMismatch: it is not a message, is cut short, or is of another version.
    """
    view = memoryview(message)
    if len(view) < PREFIX.size or PREFIX.size + rest_of(view) > len(view):
        raise ProtocolMismatch("a message was cut short", retry=True)
    _, header_length, number, _ = PREFIX.unpack_from(view)
    start = PREFIX.size + header_length
    try:
        header = _from_json(str(view[PREFIX.size : start], "utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolMismatch(f"the header of a message is not JSON: {error}") from None
    lengths = struct.unpack_from(f"<{number}Q", view, start)
    start += 8 * number
    frames = []
    for length in lengths:
        frames.append(view[start : start + length])
        start += length
    return header, frames


def _size(buffer: Buffer) -> int:
    return buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
