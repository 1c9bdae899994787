"""Bytes that are either at hand or in a blob: functions, argument chunks, results."""

from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview
"""What may be written to a socket or a file without a copy."""

INLINE_MAX_BYTES = 32 * 1024
"""Above this, bytes go to the blob store and never through the database (DESIGN D14)."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Immutable bytes in the blob store.

    Names: `functions/<sha256>`, `args/<sid>/<first>`, `results/<sid>/<index>-<attempt>`,
    `files/<account>/<fid>-<start>-<size>`.
    """

    name: str
    size_bytes: int


Piece = Buffer | BlobRef


@dataclass(frozen=True, slots=True)
class Chunk:
    """Packed arguments of consecutive jobs of one submission.

    The bytes are the client's and the runner's business (`cloud.pickling.chunks`); nobody else looks inside.
    """

    first: int
    """Index, within the submission, of the first job."""
    count: int
    packed: Piece
