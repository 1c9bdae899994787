"""Bytes that are either at hand or in a blob: functions, argument chunks, results."""

from dataclasses import dataclass

from cloud.model.ranges import Ranges

Buffer = bytes | bytearray | memoryview
"""What may be written to a socket or a file without a copy."""

INLINE_MAX_BYTES = 32 * 1024
"""Above this, bytes go to the blob store and never through the database (DESIGN D14)."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Immutable bytes in the blob store.

    Names: `functions/<sha256>`, `args/<sid>/<first>` (of the submission that they came with),
    `results/<sid>/<index>-<attempt>`, `files/<account>/<fid>-<start>-<size>`; `early/<account>/...` for what was stored
    before the core saw the request that it came with (ADR 0023).
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
    picks: Ranges = ()
    """Where the jobs are among those that were packed: positions, `count` in all, in the order of the jobs. Empty: they
    are all of them, from the first."""

    def positions(self, lo: int, hi: int) -> Ranges:
        """Where jobs lo..hi-1 of the submission, which must be in this chunk, are among those that were packed."""
        lo, hi = lo - self.first, hi - self.first
        if not self.picks:
            return (range(lo, hi),)
        found = []
        for run in self.picks:
            part = run[max(lo, 0) : max(hi, 0)]
            if part:
                found.append(part)
            lo, hi = lo - len(run), hi - len(run)
        return tuple(found)
