"""The other end of `LinesApart`: a process that talks to a Ray cluster for a server. Ray aborts it when the head of its
cluster is gone for a minute."""

import contextlib
import logging
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import ray
import ray.util

from cloud.engines.fleet.lines import Line
from cloud.engines.fleet.pipe import Pipe
from cloud.engines.ray.lines import RayLine, RayLines
from cloud.errors import CloudException
from cloud.wire.message import Header

log = logging.getLogger("Cloud.ray")

LOOK_SECONDS = 1.0
"""How often the head of the cluster is looked at."""
PATIENCE_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""A head that is there and does not answer in this time is not ours any more, or of no use."""
_FOR_GOOD = 3


class Clerk:
    """Does what the server says, until it is gone or says so.

    Args:
        join: joins the cluster that is described so.
    """

    def __init__(self, pipe: Pipe, join: Callable[[Header], RayLines]) -> None:
        self._pipe = pipe
        self._join = join
        self._known: dict[str, RayLine] = {}

    def serve(self) -> None:
        """Returns when the server wants nothing more."""
        first = self._pipe.read()
        if first is None:
            return
        try:
            self._lines = self._join(first[0])
            self._open(first[0])
        except CloudException as error:
            self._pipe.send({"op": "failed", "why": error.parameter, "hint": error.hint or ""})
            return
        for number in (signal.SIGINT, signal.SIGTERM):  # the server says when it is time
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=self._watch, name="picloud-watch", daemon=True).start()
        while (said := self._pipe.read()) is not None:
            header, frames = said
            if header["op"] == "close":
                break
            self._obey(header, [bytes(frame) for frame in frames])
        self._lines.close()

    def _open(self, told: Header) -> None:
        found = self._lines.open(self._joined, self._heard, self._gone)
        if told["resume"] is None:
            self._tell_of("opened", found.here, found.late, {})
            return
        gone = []
        for name, since, here, wanted in told["resume"]:
            resumed = self._lines.resume(name, since, here=here)
            if resumed is not None:
                self._known[name] = resumed
            elif wanted is not None and not here:
                self._known[name] = self._lines.begin(name, wanted)
            else:
                gone.append(name)
        self._pipe.send({"op": "opened", "gone": gone})

    def _tell_of(self, op: str, here: list[tuple[Line, bytes]], late: list[Line], more: Header) -> None:
        for line in (*(line for line, _ in here), *late):
            assert isinstance(line, RayLine)
            self._known[line.name] = line
        names = {"here": [line.name for line, _ in here], "late": [line.name for line in late]}
        self._pipe.send({"op": op, **names, **more}, [answer for _, answer in here])

    def _obey(self, header: Header, frames: list[bytes]) -> None:
        op = header["op"]
        if op == "take":
            found = self._lines.take(header["names"])
            self._tell_of("answer", found.here, found.late, {"id": header["id"]})
        elif op == "start":
            self._known[header["name"]] = self._lines.begin(header["name"], header["wanted"])
        elif op == "end":
            line = self._known.pop(header["name"], None) or self._lines.find(header["name"])
            if line is not None:
                line.end()
        elif (line := self._known.get(header["name"])) is None:
            pass
        elif op == "tell":
            line.send(header["number"], frames[0])
        elif op == "acknowledge":
            line.acknowledge(header["groups"])
        elif op == "ask":
            threading.Thread(target=self._ask, args=(line, header, frames[0]), daemon=True).start()

    def _ask(self, line: RayLine, header: Header, question: bytes) -> None:
        answer = line.ask(question, header["seconds"])
        self._pipe.send({"op": "answer", "id": header["id"]}, [answer])

    # --- what agents say

    def _joined(self, line: Line, answer: bytes) -> None:
        self._pipe.send({"op": "joined", "name": line.name}, [answer])

    def _heard(self, line: Line, answer: bytes) -> None:
        assert isinstance(line, RayLine)
        self._pipe.send({"op": "heard", "name": line.name, "since": line.since, "told": line.told}, [answer])

    def _gone(self, line: Line, why: str) -> None:
        self._known.pop(line.name, None)
        self._pipe.send({"op": "gone", "name": line.name, "why": why})

    # --- the head of the cluster

    def _watch(self) -> None:
        """Whoever has another head in its place has another cluster: this process ends, and the next one joins it."""
        address = str(ray.get_runtime_context().gcs_address)
        pause = threading.Event()
        misses = 0
        while True:
            pause.wait(LOOK_SECONDS)
            self._pipe.send({"op": "lives"})
            try:
                host, _, port = address.rpartition(":")
                socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
            except OSError as error:
                misses += 1
                if misses == 2:
                    why = f"the head of the Ray cluster, {address}, does not answer: {error}"
                    self._pipe.send({"op": "away", "why": why})
                continue
            if misses >= 2:
                if not self._is_ours():
                    os._exit(_FOR_GOOD)
                self._pipe.send({"op": "back"})
            misses = 0

    def _is_ours(self) -> bool:
        """Whether the head that answers again is the one that knows our agents."""
        names: queue.SimpleQueue[set[str]] = queue.SimpleQueue()

        def look() -> None:
            with contextlib.suppress(Exception):
                names.put({about["name"] for about in ray.util.list_named_actors(all_namespaces=True)})

        threading.Thread(target=look, daemon=True).start()
        try:
            found = names.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            return False
        return not self._known or not found.isdisjoint(list(self._known))


class LogByPipe(logging.Handler):
    """Has the server log it."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        said: dict[str, Any] = {"logger": record.name, "level": record.levelno, "text": self.format(record)}
        self._pipe.send({"op": "log", **said})
