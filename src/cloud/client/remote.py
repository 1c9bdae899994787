"""JobApi on anything that carries one message there and one back: what `http` and `pipe` share."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloud.api import Ended, Part, Receipt, Waited
from cloud.model import Buffer, CodeFile, Ranges
from cloud.wire import calls
from cloud.wire.message import decode, encode

HELD_SECONDS = 30.0
"""The longest that one request asks the other side to wait, so that a lost connection is noticed."""


class RemoteApi:
    """Calls as messages. Who derives from it says how a message travels."""

    inside = False
    """Whether this is the cloud that runs the job in which this code runs."""

    def exchange(self, op: str, parts: Sequence[Buffer], held_seconds: float = 0.0) -> bytearray:
        """Carry a request there and its answer back, whatever it takes.

        Args:
            op: name of the call.
            parts: the message, as buffers to send one after another.
            held_seconds: how long the other side may take because it was asked to wait.

        Raises:
            CloudException: no answer can be had.
        """
        raise NotImplementedError

    def _plain(self, op: str, parts: Sequence[Buffer]) -> Any:
        header, _ = decode(self.exchange(op, parts))
        return calls.answer_of(header)

    def submit(self, part: Part) -> Receipt:
        """See `JobApi`."""
        header, _ = decode(self.exchange("submit", calls.submit(part)))
        return calls.read_receipt(header)

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
        held = _held(timeout_seconds)
        message = calls.ask(
            "outcomes", jids, timeout_seconds=held, linger_seconds=linger_seconds, max_bytes=max_bytes
        )  # fmt: skip
        return calls.read_ended(*decode(self.exchange("outcomes", message, held)))

    def read(self, jid: int, blob: str) -> Buffer:
        """See `JobApi`; writable."""
        header, frames = decode(self.exchange("read", calls.ask("read", None, jid=jid, blob=blob)))
        calls.answer_of(header)
        return frames[0]

    def status(self, jids: Ranges) -> bytes:
        """See `JobApi`."""
        header, frames = decode(self.exchange("status", calls.ask("status", jids)))
        calls.answer_of(header)
        return bytes(frames[0])

    def info(self, jids: Ranges, fields: Sequence[str]) -> list[dict[str, Any]]:
        """See `JobApi`."""
        return calls.read_infos(*decode(self.exchange("info", calls.ask("info", jids, fields=list(fields)))))

    def kill(self, jids: Ranges | None, *, force: bool = False) -> None:
        """See `JobApi`."""
        self._plain("kill", calls.ask("kill", jids, force=force))

    def delete(self, jids: Ranges) -> None:
        """See `JobApi`."""
        self._plain("delete", calls.ask("delete", jids))

    def describe(self) -> dict[str, Any]:
        """See `JobApi`."""
        about: dict[str, Any] = self._plain("describe", encode({"op": "describe"}))
        return about

    def close(self) -> None:
        """See `JobApi`."""


def _held(timeout_seconds: float | None) -> float:
    return HELD_SECONDS if timeout_seconds is None else min(timeout_seconds, HELD_SECONDS)
