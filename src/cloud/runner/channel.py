"""The api socket, as code inside a job sees it: questions from any thread, each with its own answer."""

import json
import os
import socket
import threading
from collections.abc import Sequence

from cloud.errors import CloudException, ServerUnavailable
from cloud.model import Buffer, Ranges
from cloud.model.ranges import normal
from cloud.wire.values import ranges_to_json
from cloud.wire.worker import REQUEST, Ask


class PipeChannel:
    """`wire.worker.Channel` of a worker process.

    Answers are read by a thread of their own, started by the first question: a kill raises its exception in the main
    thread only, so it can never tear an answer in two. It can tear a question in two; `torn` says so, and the worker
    then takes no further job.
    """

    def __init__(self, api: socket.socket) -> None:
        self._socket = api
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._changing_waits = threading.Lock()
        self._waits: dict[int, Ranges] = {}
        """What each thread that waits is waiting for."""
        self._asked = 0
        self._waiting: dict[int, tuple[threading.Event, list[bytearray]]] = {}
        self._reader: threading.Thread | None = None
        self.torn = False
        self.jid = 0
        self.account = 0
        self.token = ""
        self.serves = False

    def request(self, parts: Sequence[Buffer]) -> bytearray:
        """Send a `wire` message, wait for the answer."""
        return self._ask(Ask.REQUEST, parts)

    def waiting(self, jids: Ranges) -> None:
        """This thread of the job is about to wait."""
        with self._changing_waits:
            self._waits[threading.get_ident()] = jids
            try:
                refusal = self._ask(Ask.WAITING, [self._all_waits()])
                if refusal:
                    raise CloudException(refusal.decode())
            except BaseException:  # a kill, too
                del self._waits[threading.get_ident()]
                raise

    def resumed(self) -> None:
        """This thread's wait is over; the slot stays lent while others of the job wait."""
        with self._changing_waits:
            self._waits.pop(threading.get_ident(), None)
            if self._waits:
                self._send(Ask.WAITING, 0, [self._all_waits()])
            else:
                self._send(Ask.RESUMED, 0, ())

    def _all_waits(self) -> bytes:
        return json.dumps(ranges_to_json(normal(r for jids in self._waits.values() for r in jids))).encode()

    def _ask(self, kind: Ask, parts: Sequence[Buffer]) -> bytearray:
        event, answer = threading.Event(), list[bytearray]()
        with self._lock:
            self._asked += 1
            number = self._asked
            self._waiting[number] = event, answer
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, name="picloud-channel", daemon=True)
                self._reader.start()
        try:
            self._send(kind, number, parts)
            event.wait()
        finally:
            self._waiting.pop(number, None)
        if not answer:
            raise ServerUnavailable("the program that runs this job is going away")
        return answer[0]

    def _send(self, kind: Ask, number: int, parts: Sequence[Buffer]) -> None:
        if os.getpid() != self._pid:
            raise CloudException("this process was forked by a job; only the job's own process can reach its cloud")
        views = [memoryview(part).cast("B") for part in parts]
        head = REQUEST.pack(kind, number, sum(v.nbytes for v in views))
        with self._lock:
            if self.torn:
                raise ServerUnavailable("a question of this job was cut off, and it can ask nothing more")
            self.torn = True
            try:
                self._socket.sendall(b"".join((head, *views)) if len(head) + sum(map(len, views)) <= 65536 else head)
                if len(head) + sum(map(len, views)) > 65536:
                    for view in views:
                        self._socket.sendall(view)
            except OSError:
                raise ServerUnavailable("the program that runs this job is going away") from None
            self.torn = False

    def _read(self) -> None:
        try:
            while True:
                _, number, size = REQUEST.unpack(self._exactly(REQUEST.size))
                answer = self._exactly(size)
                event, box = self._waiting.get(number, (None, None))
                if event is not None and box is not None:
                    box.append(answer)
                    event.set()
        except OSError:
            for event, _ in list(self._waiting.values()):
                event.set()

    def _exactly(self, size: int) -> bytearray:
        answer = bytearray(size)
        view = memoryview(answer)
        while view:
            got = self._socket.recv_into(view)
            if not got:
                raise ConnectionResetError
            view = view[got:]
        return answer
