"""Open files travel as copies in memory: their bytes, name, mode and position (SPEC D.1).

A job gets `FileCopy` for a binary file and a `TextIOWrapper` around one for a text file; what it writes there stays
there. Standard output and error become those of the job. Standard input, terminals, pipes, sockets and files that
cannot be read or are too large are refused.
"""

import io
import os
import pickle
import stat
import sys
from typing import Any

_READ_AT_ONCE_BYTES = 1 << 24
_BINARY = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)


class FileCopy(io.BytesIO):
    """A file's bytes in memory, under its old name."""

    name: Any = None
    mode: str = "rb"

    def writable(self) -> bool:
        """Whether the original could be written to."""
        return "r" not in self.mode or "+" in self.mode

    def write(self, data: Any, /) -> int:
        """As `BytesIO.write`, unless the original could not be written to."""
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        return super().write(data)


def reduce_file(file: Any, max_bytes: int) -> Any:
    """How a file is pickled; NotImplemented for objects that have a way of their own.

    Raises:
        pickle.PicklingError: saying which file and why.
    """
    if isinstance(file, (io.BytesIO, io.StringIO)):
        return NotImplemented
    for name in ("stdout", "stderr"):
        if file is getattr(sys, name) or file is getattr(sys, f"__{name}__"):
            return getattr, (sys, name)
    if file is sys.stdin or file is sys.__stdin__:
        raise _refused(file, "a job has no standard input; read it first and pass what was read")
    if not isinstance(file, (io.TextIOWrapper, *_BINARY)):
        return NotImplemented
    name, mode = _plain(getattr(file, "name", None)), getattr(file, "mode", "rb")
    if file.closed:
        return closed_file, (isinstance(file, io.TextIOWrapper), name, mode)
    if not file.readable():
        raise _refused(file, f"it is open for writing only (mode {mode!r})")
    try:
        content = _content(file, mode, max_bytes)
        position = file.tell()
    except (OSError, ValueError) as error:
        raise _refused(file, f"it cannot be read: {error}") from error
    if not isinstance(file, io.TextIOWrapper):
        return open_copy, (pickle.PickleBuffer(content), name, mode, position)
    settings = (file.encoding, file.errors, file.line_buffering)
    return open_text_copy, (pickle.PickleBuffer(content), name, mode, position, *settings)


def reduce_temporary_file(wrapper: Any) -> Any:
    """How the result of `tempfile.NamedTemporaryFile` is pickled: as the file alone, which deletes nothing."""
    return _itself, (wrapper.file,)


def open_copy(content: Any, name: Any, mode: str, position: int) -> FileCopy:
    """Called by pickles: a binary file."""
    copy = FileCopy(content)
    copy.name, copy.mode = name, mode
    copy.seek(position)
    return copy


def open_text_copy(
    content: Any, name: Any, mode: str, position: int, encoding: str, errors: str, line_buffering: bool
) -> io.TextIOWrapper:
    """Called by pickles: a text file."""
    inside = open_copy(content, name, mode, 0)
    text = io.TextIOWrapper(inside, encoding=encoding, errors=errors, line_buffering=line_buffering)
    text.mode = mode  # type: ignore[misc]
    text.seek(position)
    return text


def closed_file(is_text: bool, name: Any, mode: str) -> Any:
    """Called by pickles: a closed file arrives closed."""
    file: Any = (
        open_text_copy(b"", name, mode, 0, "utf-8", "strict", False) if is_text else open_copy(b"", name, mode, 0)
    )
    file.close()
    return file


def _content(file: Any, mode: str, max_bytes: int) -> bytes:
    """All bytes of the file, without moving its position. Raises: PicklingError, OSError."""
    if mode not in ("r", "rb"):
        file.flush()
    inside = file.buffer if isinstance(file, io.TextIOWrapper) else file
    if isinstance(inside, io.BytesIO):
        return inside.getvalue()
    if not isinstance(inside, _BINARY):
        raise _refused(file, f"what is read from it comes through a {type(inside).__name__}; pass its path")
    descriptor = file.fileno()
    about = os.fstat(descriptor)
    if os.isatty(descriptor):
        raise _refused(file, "it is a terminal")
    if not stat.S_ISREG(about.st_mode):
        raise _refused(file, "it is no regular file but a pipe, a socket or a device")
    if about.st_size > max_bytes:
        raise _refused(file, f"it has {about.st_size} bytes, more than max_transmit_data={max_bytes}")
    if not hasattr(os, "pread"):  # Windows
        with open(file.name, "rb") as again:
            return again.read()
    content = bytearray()
    while block := os.pread(descriptor, _READ_AT_ONCE_BYTES, len(content)):
        content += block
    return bytes(content)


def _itself(file: Any) -> Any:
    return file


def _plain(name: Any) -> Any:
    return name if isinstance(name, (str, bytes, int, type(None))) else str(name)


def _refused(file: Any, why: str) -> pickle.PicklingError:
    return pickle.PicklingError(f"the open file {getattr(file, 'name', '?')!r} cannot be pickled: {why}")
