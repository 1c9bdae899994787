"""JobApi and FilesApi on anything that carries one message there and one back: what `http` and `pipe` share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cloud.api import DIRECT_MIN_BYTES, Ended, FilePiece, OutputPiece, Part, Receipt, Waited
from cloud.client.direct import Direct, NoWay
from cloud.client.fresh import Fresh
from cloud.errors import ProtocolMismatch
from cloud.model import Buffer, CodeFile, File, Ranges
from cloud.wire import calls
from cloud.wire import files as file_calls
from cloud.wire.message import decode, encode
from cloud.wire.values import ranges_from_json

HELD_SECONDS = 30.0
"""The longest that one request asks the other side to wait, so that a lost connection is noticed."""
PUT_MAX_BYTES = 5_000_000_000
"""The most that object stores take in one request."""


class RemoteApi(ABC):
    """Calls as messages. Who derives from it says how a message travels."""

    inside = False
    """Whether this is the cloud that runs the job in which this code runs."""
    durable = False
    """Whether jobs go on when this program ends."""
    past_server = False
    """Whether large blobs may be elsewhere, where we can read and write them without the other side."""

    def __init__(self) -> None:
        self._fresh = Fresh()
        self._direct = Direct()
        self._put_last: tuple[str, frozenset[int]] = "", frozenset()

    @abstractmethod
    def exchange(self, op: str, parts: Sequence[Buffer], held_seconds: float = 0.0) -> bytearray:
        """Carry a request there and its answer back, whatever it takes.

        Args:
            op: name of the call.
            parts: the message, as buffers to send one after another.
            held_seconds: how long the other side may take because it was asked to wait.

        Raises:
            CloudException: no answer can be had.
        """

    def _plain(self, op: str, parts: Sequence[Buffer]) -> Any:
        header, _ = decode(self.exchange(op, parts))
        return calls.answer_of(header)

    def submit(self, part: Part) -> Receipt:
        """See `JobApi`."""
        put = self._put(part)
        header, frames = decode(self.exchange("submit", calls.submit(part, put)))
        receipt = calls.read_receipt(header, frames)
        if put and receipt.missing_chunks:
            self._put_last = "", frozenset()
            header, frames = decode(self.exchange("submit", calls.submit(part)))
            receipt = calls.read_receipt(header, frames)
        for ended in receipt.ended:
            self._fresh.put(ended)
        return receipt

    def _put(self, part: Part) -> frozenset[int]:
        """Write large chunks where they are to be; which of them are there now, by their first job."""
        large = [chunk for chunk in part.chunks if DIRECT_MIN_BYTES <= chunk.size_bytes <= PUT_MAX_BYTES]
        if not (large and self.past_server and self._direct.writes):
            return frozenset()
        firsts = frozenset(chunk.first for chunk in large)
        if self._put_last == (part.token, firsts):  # sent again, with the function perhaps
            return firsts
        try:
            links = self._plain("links", calls.links(part.token, large))
        except ProtocolMismatch:  # an older server
            links = []
        if len(links) != len(large) or None in links:
            self._direct.avoid_puts()
            return frozenset()
        from cloud.client import objects

        try:
            for chunk, link in zip(large, links, strict=True):
                objects.put(link, chunk.parts, chunk.size_bytes)
        except NoWay as why:
            self._direct.avoid(why)
            return frozenset()
        self._put_last = part.token, firsts
        return firsts

    def drop(self, token: str) -> None:
        """See `JobApi`."""
        self._plain("drop", encode({"op": "drop", "token": token}))

    def missing_code(self, version: str, files: Sequence[CodeFile]) -> list[str]:
        """See `JobApi`."""
        missing: list[str] = self._plain("missing_code", calls.missing_code(version, files))
        return missing

    def put_code(self, contents: Mapping[str, Buffer]) -> None:
        """See `JobApi`."""
        self._plain("put_code", calls.put_code(contents))

    def wait(self, jids: Ranges, *, timeout_seconds: float | None, stop_on_failure: bool) -> Waited:
        """See `JobApi`; answers after 30 seconds at the latest."""
        held = _held(timeout_seconds)
        message = calls.ask("wait", jids, timeout_seconds=held, stop_on_failure=stop_on_failure)
        header, _ = decode(self.exchange("wait", message, held))
        return calls.read_waited(header)

    def outcomes(
        self, jids: Ranges, *, timeout_seconds: float | None, linger_seconds: float = 0.0, max_bytes: int = 8 << 20
    ) -> list[Ended]:
        """See `JobApi`; answers after 30 seconds at the latest."""
        if (fresh := self._fresh.take(jids)) is not None:
            return [fresh]
        held = _held(timeout_seconds)
        message = calls.ask(
            "outcomes", jids, timeout_seconds=held, linger_seconds=linger_seconds, max_bytes=max_bytes
        )  # fmt: skip
        return calls.read_ended(*decode(self.exchange("outcomes", message, held)))

    def read(self, jid: int, blob: str) -> Buffer:
        """See `JobApi`; writable."""
        if self.past_server and self._direct.reads:
            found, frames = self._read(jid, blob, direct=True)
            if found is None:
                return frames[0]
            from cloud.client import objects

            try:
                return objects.fetch(found["link"], found["size_bytes"], partial(self._link, jid, blob))
            except NoWay as why:
                self._direct.avoid(why)
        return self._read(jid, blob)[1][0]

    def _read(self, jid: int, blob: str, **more: bool) -> tuple[dict[str, Any] | None, list[memoryview]]:
        header, frames = decode(self.exchange("read", calls.ask("read", None, jid=jid, blob=blob, **more)))
        return calls.answer_of(header), frames

    def _link(self, jid: int, blob: str) -> str | None:
        found, _ = self._read(jid, blob, direct=True)
        return None if found is None else str(found["link"])

    def status(self, jids: Ranges) -> bytes:
        """See `JobApi`."""
        header, frames = decode(self.exchange("status", calls.ask("status", jids)))
        calls.answer_of(header)
        return bytes(frames[0])

    def counts(self, jids: Ranges) -> dict[str, int]:
        """See `JobApi`."""
        counted: dict[str, int] = self._plain("counts", calls.ask("counts", jids))
        return counted

    def info(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        """See `JobApi`."""
        return calls.read_infos(*decode(self.exchange("info", calls.ask("info", jids, fields=list(fields)))))

    def why(self, jid: int) -> str:
        """See `JobApi`."""
        return str(self._plain("why", calls.ask("why", None, jid=jid)))

    def output(
        self, jid: int, stream: str, *, start: int = 0, attempt: int = 0, timeout_seconds: float | None
    ) -> OutputPiece:
        """See `JobApi`; answers after 30 seconds at the latest."""
        held = _held(timeout_seconds)
        message = calls.output(jid, stream, start, attempt, held)
        return calls.read_output_piece(*decode(self.exchange("output", message, held)))

    def dependents(self, jid: int) -> Ranges:
        """See `JobApi`."""
        return ranges_from_json(self._plain("dependents", calls.ask("dependents", None, jid=jid)))

    def stack(self, jid: int) -> str:
        """See `JobApi`."""
        return str(self._plain("stack", calls.ask("stack", None, jid=jid)))

    def kill(self, jids: Ranges | None, *, force: bool = False) -> None:
        """See `JobApi`."""
        self._plain("kill", calls.ask("kill", jids, force=force))

    def rerun(self, jids: Ranges, *, token: str) -> Ranges:
        """See `JobApi`."""
        return ranges_from_json(self._plain("rerun", calls.ask("rerun", jids, token=token)))

    def delete(self, jids: Ranges) -> None:
        """See `JobApi`."""
        self._fresh.clear()
        self._plain("delete", calls.ask("delete", jids))

    def describe(self) -> dict[str, Any]:
        """See `JobApi`."""
        about: dict[str, Any] = self._plain("describe", encode({"op": "describe"}))
        return about

    def put_piece(self, token: str, piece: FilePiece) -> None:
        """See `FilesApi`."""
        self._plain("put_piece", file_calls.put_piece(token, piece))

    def put_file(self, token: str, name: str, size_bytes: int, md5: str, last: FilePiece | None = None) -> File:
        """See `FilesApi`."""
        message = file_calls.put_file(token, name, size_bytes, md5, last)
        return file_calls.read_file(decode(self.exchange("put_file", message))[0])

    def find_file(self, name: str) -> File:
        """See `FilesApi`."""
        return file_calls.read_file(decode(self.exchange("find_file", calls.ask("find_file", None, name=name)))[0])

    def read_file(self, fid: int, start: int, size_bytes: int) -> Buffer:
        """See `FilesApi`."""
        message = calls.ask("read_file", None, fid=fid, start=start, size_bytes=size_bytes)
        header, frames = decode(self.exchange("read_file", message))
        calls.answer_of(header)
        return frames[0]

    def list_files(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[File]:
        """See `FilesApi`."""
        message = calls.ask("list_files", None, prefix=prefix, after=after, limit=limit)
        return file_calls.read_listed(decode(self.exchange("list_files", message))[0])

    def delete_file(self, name: str) -> None:
        """See `FilesApi`."""
        self._plain("delete_file", calls.ask("delete_file", None, name=name))

    def add_interpreter(self, tag: str, executable: str) -> None:
        """Have another interpreter of the server's machine run what is pickled under its cache tag.

        Raises:
            NotAuthorised: this is not the key of the server's own user.
        """
        self._plain("add_interpreter", encode({"op": "add_interpreter", "tag": tag, "executable": executable}))

    def close(self) -> None:  # noqa: B027 (only some hold anything)
        """See `JobApi`."""


def _held(timeout_seconds: float | None) -> float:
    return HELD_SECONDS if timeout_seconds is None else min(timeout_seconds, HELD_SECONDS)
