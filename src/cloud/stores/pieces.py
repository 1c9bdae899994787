"""Bytes in a row: at hand, or in a blob."""

from cloud.model import BlobRef, Buffer, Piece


def columns_of(piece: Piece) -> tuple[Buffer | None, str | None, int]:
    """What the table has in `packed`, `blob` and `size_bytes`."""
    if isinstance(piece, BlobRef):
        return None, piece.name, piece.size_bytes
    return piece, None, piece.nbytes if isinstance(piece, memoryview) else len(piece)


def piece_of(packed: bytes | None, blob: str | None, size_bytes: int) -> Piece:
    """The reverse."""
    return BlobRef(blob, size_bytes) if blob is not None else packed or b""
