"""`cloud.output`: what a job wrote so far as text, or piece by piece while it writes."""

import codecs
from collections.abc import Callable, Iterator

from cloud.api import STREAMS, JobApi, OutputPiece
from cloud.client.arguments import Jids, read_jids
from cloud.client.patience import Patience


def read_job(jid: Jids, kind: str, where: str) -> int:
    """The one job that is asked about.

    Raises:
        TypeError: it is not one jid.
    """
    ranges, single = read_jids(jid, kind)
    if not single:
        raise TypeError(f"{where} takes one jid, not several")
    return ranges[0].start


def check_stream(stream: str, where: str) -> None:
    """
    Raises:
        ValueError: there is no such stream.
    """
    if stream not in STREAMS:
        raise ValueError(f"{where}: there is no stream {stream!r}; there are: {', '.join(STREAMS)}")


def read_output(api: JobApi, jid: int, stream: str) -> str:
    """All that is there now."""
    pieces: list[bytes] = []
    piece = OutputPiece(0, b"", ended=False, attempt=0)
    while True:
        end = piece.start + len(piece.data)
        after = api.output(jid, stream, start=end, attempt=piece.attempt, timeout_seconds=0)
        if after.start < end:  # another attempt
            pieces.clear()
        pieces.append(bytes(after.data))
        if after.ended or not after.data:
            return b"".join(pieces).decode("utf-8", "replace")
        piece = after


def follow_output(api: Callable[[], JobApi], where: str, jid: int, stream: str) -> Iterator[str]:
    """Text as it is written, from the first that is kept, until the job is finished. Where something is missing because
    the job wrote faster than this was read, or begins anew because it runs again, a line says so."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    piece = OutputPiece(0, b"", ended=False, attempt=0)
    line_open = began = False
    while not piece.ended:
        before, piece = piece, _next(api(), where, jid, stream, piece)
        said = _remark(before, piece) if began else ""
        if said:
            text = decoder.decode(b"", final=True)
            yield f"{text}\n{said}\n" if line_open or text else f"{said}\n"
            line_open = False
        text = decoder.decode(bytes(piece.data), final=piece.ended)
        if text:
            began, line_open = True, not text.endswith("\n")
            yield text


def _next(api: JobApi, where: str, jid: int, stream: str, before: OutputPiece) -> OutputPiece:
    """What comes behind a piece; inside a job its slot is lent out meanwhile."""
    jids = (range(jid, jid + 1),)
    start = before.start + len(before.data)
    with Patience(api, where, None, deadlock_check=False) as patience:
        while True:
            piece = api.output(
                jid, stream, start=start, attempt=before.attempt, timeout_seconds=patience.step(jids)
            )  # fmt: skip
            if piece.data or piece.ended:
                return piece


def _remark(before: OutputPiece, piece: OutputPiece) -> str:
    """What to tell of the gap between two pieces; '' if there is none."""
    if piece.attempt != before.attempt:
        return f"[the job runs again, attempt {piece.attempt}]" if piece.attempt else ""
    missing = piece.start - before.start - len(before.data)
    return f"[{missing} bytes left out]" if missing > 0 else ""
