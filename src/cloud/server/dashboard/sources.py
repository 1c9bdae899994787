"""Lines of the user's own modules around the place where a job failed, out of the code that travelled with it."""

import textwrap
from collections.abc import Callable

from cloud.model import BlobRef, Buffer, Code
from cloud.server.dashboard.failure import Failure, Frame, SourceLine
from cloud.server.dashboard.places import local

BEFORE, AFTER = 4, 3
"""How many lines around."""
_MOST_BYTES = 2 << 20
_LONGEST_LINE = 300


def add_sources(failure: Failure, code: Code | None, read_blob: Callable[[str], Buffer] | None) -> None:
    """Give the user's innermost frame its surroundings, if its module travelled with the job; not those of large
    modules, where `read_blob` is None."""
    frames = [frame for block in failure.blocks for frame in block.frames if frame.innermost]
    if not frames or code is None:
        return
    (frame,) = frames
    if local(frame.file) == frame.file or code.version[:32] not in frame.file:
        return
    for file, piece in code.files:
        if file.path == local(frame.file) and file.size_bytes <= _MOST_BYTES:
            if not isinstance(piece, BlobRef):
                content = piece
            elif read_blob is None:
                continue
            else:
                content = read_blob(piece.name)
            frame.around = _around(frame, bytes(content).decode("utf-8", "replace").splitlines())


def _around(frame: Frame, lines: list[str]) -> list[SourceLine]:
    here = frame.line - 1
    if not 0 <= here < len(lines) or (frame.code and lines[here].strip() != frame.code[0].strip()):
        return []
    first = max(0, here - BEFORE)
    shown = textwrap.dedent("\n".join(line[:_LONGEST_LINE] for line in lines[first : here + AFTER + 1])).split("\n")
    while shown and not shown[-1].strip() and first + len(shown) - 1 > here:
        shown.pop()
    indent = " " * (len(shown[here - first]) - len(shown[here - first].lstrip()))
    found: list[SourceLine] = []
    for at, text in enumerate(shown, first):
        found.append(SourceLine(at + 1, text, at == here))
        if at == here:
            found += [SourceLine(None, indent + mark, here=True) for mark in frame.code[1:]]
    return found
