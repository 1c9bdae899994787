"""A real server process on loopback, asked with the standard library and the wire's own messages."""

import base64
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloud import errors, pickling
from cloud.api import NewChunk, Part, Receipt
from cloud.client.surroundings import surroundings
from cloud.config import state_directory
from cloud.model import Buffer, Ranges, Spec
from cloud.server.folder import Folder
from cloud.wire import calls
from cloud.wire.message import Header, decode
from tests.support.ports import free_port

START_SECONDS = 120.0
COMMAND = [sys.executable, "-m", "cloud.server.embedded"]


class Refused(Exception):
    """The server said that it will not start; `error` is what it said."""

    def __init__(self, error: errors.CloudException) -> None:
        super().__init__(str(error))
        self.error = error


class Served:
    """One embedded server, started here and ended by `end`."""

    def __init__(self, home: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.folder = state_directory(home)
        readable, writable = os.pipe()
        self.process = subprocess.Popen(
            [*COMMAND, "--home", home, "--ready-fd", str(writable), *arguments],
            pass_fds=[writable],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writable)
        try:
            said = _line(readable)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            os.close(readable)
        if "error" in said:
            self.process.wait(START_SECONDS)
            raise Refused(errors.from_wire(said["error"]))
        self.url: str = said["url"]
        self.pid: int = said["pid"]

    @property
    def card(self) -> dict[str, Any]:
        """What server.json says."""
        with open(os.path.join(self.folder, "server.json")) as file:
            return dict(json.load(file))

    @property
    def authorization(self) -> dict[str, str]:
        """The header that opens it."""
        card = self.card
        proof = base64.b64encode(f"{card['key']}:{card['secret']}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}

    def connect(self) -> http.client.HTTPConnection:
        """A new connection; the caller closes it."""
        return http.client.HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=300)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of any request, with the key unless `headers` are given."""
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(self.authorization if headers is None else headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def ask(self, parts: Sequence[Buffer]) -> tuple[Header, list[memoryview]]:
        """A call and its answer.

        Raises:
            CloudException: what the server raised.
        """
        message = b"".join(parts)
        op = decode(message)[0]["op"]
        _, _, body = self.request("POST", f"/v1/{op}", message)
        header, frames = decode(body)
        calls.answer_of(header)
        return header, frames

    def submit(self, function: Callable[[Any], Any], arguments: Sequence[Any], **spec: Any) -> range:
        """Jobs of a function of one argument."""
        header, _ = self.ask(calls.submit(part_of(function, arguments, **spec)))
        receipt: Receipt = calls.read_receipt(header)
        assert receipt.jids is not None
        return receipt.jids

    def status(self, jids: Ranges) -> list[int]:
        """Status numbers."""
        return list(bytes(self.ask(calls.ask("status", jids))[1][0]))

    def results(self, jids: range) -> list[Any]:
        """Values of done jobs, in order."""
        values: dict[int, Any] = {}
        while len(values) < len(jids):
            missing = tuple(range(jid, jid + 1) for jid in jids if jid not in values)
            header, frames = self.ask(calls.ask("outcomes", missing, timeout_seconds=60.0))
            for ended in calls.read_ended(header, frames):
                for at, jid in enumerate(ended.jids):
                    index = ended.outcomes.lo + at
                    if index in ended.outcomes.blobs:
                        name = ended.outcomes.blobs[index].name
                        value: Buffer = self.ask(calls.ask("read", None, jid=jid, blob=name))[1][0]
                    else:
                        value = ended.outcomes.bytes_of("result", index)
                    assert ended.outcomes.status_of(index) == 3, bytes(ended.outcomes.bytes_of("error", index))
                    values[jid] = pickling.loads(value)
        return [values[jid] for jid in jids]

    def wait(self, jids: Ranges, seconds: float = START_SECONDS) -> Ranges:
        """What is still unfinished when all are finished or the time is over."""
        until = time.monotonic() + seconds
        while True:  # the server holds a question for a while only
            left = max(0.0, until - time.monotonic())
            header, _ = self.ask(calls.ask("wait", jids, timeout_seconds=left, stop_on_failure=False))
            unfinished: Ranges = calls.read_waited(header).unfinished
            if not unfinished or time.monotonic() >= until:
                return unfinished

    def end(self, how: int = signal.SIGTERM) -> int:
        """End it and wait for it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(120)


def keep_port(home: str) -> None:
    """Servers of this home, of which there was none yet, will listen where the one before them did, without fail."""
    Folder(state_directory(home)).write_port(free_port())


def part_of(function: Callable[[Any], Any], arguments: Sequence[Any], **spec: Any) -> Part:
    """A whole submission in one part."""
    digest, packed = pickling.dump_function(function)
    wanted = Spec(
        kind="map",
        function=digest,
        function_name=getattr(function, "__name__", "f"),
        environment=surroundings(),
        **spec,
    )
    chunk = NewChunk(0, len(arguments), pickling.pack_map([(argument,) for argument in arguments]))
    return Part(uuid.uuid4().hex, wanted, [packed], [chunk], len(arguments))


def _line(fd: int) -> dict[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([fd], [], [], START_SECONDS)
        assert ready, f"the server said nothing for {START_SECONDS:g} seconds"
        piece = os.read(fd, 65536)
        assert piece, "the server ended without a word"
        text += piece
    return dict(json.loads(text))
