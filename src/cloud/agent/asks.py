"""What jobs ask over their api sockets, and the answers."""

import json
from collections.abc import Callable, Sequence

from cloud.agent.worker import Worker
from cloud.dispatch.ports import Reply
from cloud.model import Buffer, Ranges
from cloud.wire.values import ranges_from_json
from cloud.wire.worker import REQUEST, Ask

BLOCKED_MAX = 64
"""Jobs that wait for jobs, each in a process of its own."""
_READ_BYTES = 1 << 16
_NO_JID = 1 << 62
"""Beyond all jids, and within what a database can compare."""

Asked = Callable[[Worker, bytes, Reply], None]


class Asks:
    """Reads one worker's questions, in pieces as they come."""

    def __init__(self, worker: Worker, asked: Asked, may_wait: Callable[[Worker], str], waits: Callable[[Worker], None],
                 resumed: Callable[[Worker], None]) -> None:  # fmt: skip
        """
        Args:
            asked: a request and the way to answer it.
            may_wait: why one more job may not wait, or ''.
            waits: a job waits, for the worker's `waits_for`.
            resumed: it does not any more.
        """
        self._worker = worker
        self._asked, self._may_wait, self._waits, self._resumed = asked, may_wait, waits, resumed
        self._buffer = bytearray()

    def read(self) -> bool:
        """Take what is there, up to a bound; False when the worker is gone."""
        for _ in range(16):
            try:
                piece = self._worker.api.recv(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                return False
            if not piece:
                return False
            self._buffer += piece
        while len(self._buffer) >= REQUEST.size:
            op, number, size = REQUEST.unpack_from(self._buffer)
            if len(self._buffer) < REQUEST.size + size:
                break
            body = bytes(memoryview(self._buffer)[REQUEST.size : REQUEST.size + size])
            del self._buffer[: REQUEST.size + size]
            self._handle(op, number, body)
        return True

    def _handle(self, op: int, number: int, body: bytes) -> None:
        worker = self._worker
        if op == Ask.REQUEST:
            self._asked(worker, body, lambda parts: self._answer(Ask.REQUEST, number, parts))
        elif op == Ask.WAITING:
            jids = _jids_in(body)
            refusal = "what this job names cannot be waited for" if jids is None else self._may_wait(worker)
            if not refusal:
                worker.waits_for = jids
                self._waits(worker)
            self._answer(Ask.WAITING, number, [refusal.encode()])
        elif op == Ask.RESUMED:
            self._resumed(worker)

    def _answer(self, op: Ask, number: int, parts: Sequence[Buffer]) -> None:
        if self._worker.closed:
            return
        views = [memoryview(part).cast("B") for part in parts]
        self._worker.to_api.send([REQUEST.pack(op, number, sum(v.nbytes for v in views)), *views])


def _jids_in(body: bytes) -> Ranges | None:
    """What a job says that it waits for; None: it can be nothing of the kind, and would fail among others' jobs."""
    try:
        jids = ranges_from_json(json.loads(body))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return jids if all(0 <= r.start <= r.stop <= _NO_JID for r in jids) else None
