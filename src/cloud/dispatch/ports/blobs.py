"""The Blobs port: immutable bytes by name."""

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol, Self

from cloud.model import BlobRef, Buffer


class BlobWriter(Protocol):
    """A blob on its way in. As a context manager it commits at the end, or aborts after an exception."""

    ref: BlobRef
    """What was written; only after the commit."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, *rest: object) -> None: ...

    def write(self, data: Buffer) -> None:
        """Append. On a full disk `StoreFull`, and nothing is left behind."""
        ...

    def commit(self) -> BlobRef:
        """Give it its name; durable when it returns."""
        ...

    def abort(self) -> None:
        """Leave nothing behind; harmless when it is over already."""
        ...


class Blobs(Protocol):
    """Immutable bytes by name. Names are relative paths of [A-Za-z0-9._-] parts; see `BlobRef`.

    A name once written never changes; writing it again replaces it by equal bytes, atomically.
    """

    far: bool
    """Whether they are on another machine, so that a call may take long: it may then be made in any thread, and whoever
    must not block makes it in another one."""

    place: str
    """Where they are, for people: a folder or an address; '' in memory."""

    def put(self, name: str, parts: Iterable[Buffer]) -> BlobRef:
        """Durable when it returns. On a full disk `StoreFull`, and nothing is left behind."""
        ...

    def create(self, name: str) -> BlobWriter:
        """For bytes that arrive bit by bit; the blob exists from the commit on."""
        ...

    def adopt(self, name: str, fd: int) -> BlobRef:
        """Take over the content of an open file (a worker's result), without copying where the platform can."""
        ...

    def spool(self) -> str | None:
        """A folder where a worker may open unnamed files that `adopt` takes without a copy; None: use memory files."""
        ...

    def open(self, name: str) -> int:
        """A new read-only file descriptor on its bytes; the caller closes it. FileNotFoundError when there is none."""
        ...

    def read(self, name: str) -> Buffer:
        """Its bytes, privately mapped (writable, copy-on-write) where the platform can."""
        ...

    def find(self, name: str, younger_than_seconds: float) -> BlobRef | None:
        """What is there under a name; None also when it was written longer ago."""
        ...

    def link(self, name: str, method: Literal["GET", "PUT"], seconds: float) -> str | None:
        """A URL under which anybody who has it may read (also ranges of) or write this blob for so long; None: these
        blobs are to be had here only."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Missing ones are skipped."""
        ...

    def names(self, older_than_seconds: float = 0.0) -> Iterator[str]:
        """All names, or those written at least so long ago."""
        ...

    def size_bytes(self) -> int: ...

    def close(self) -> None: ...
