"""POST /v1/<op>: a call of `JobApi` or `FilesApi`, answered by a wire message. The hot path: no framework or thread."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from cloud.engines.local import LocalEngine
from cloud.errors import CloudException, ProtocolMismatch, ServerUnavailable
from cloud.model import Buffer
from cloud.server.ahead import Ahead
from cloud.server.answers import Send, send_parts
from cloud.server.aside import Aside
from cloud.server.body import Body, Gone, Receive
from cloud.server.gate import Caller, Gate
from cloud.server.heart import Heart, Withdraw
from cloud.wire import calls
from cloud.wire.calls import NOTHING_STORED
from cloud.wire.files import CHANGES, QUESTIONS
from cloud.wire.message import CONTENT_TYPE, PROTOCOL, decode

log = logging.getLogger("cloud.server")

OPS = frozenset({"submit", "outcomes", "wait", "status", "info", "kill", "delete", "read", "drop", "describe",
                 "missing_code", "put_code", "add_interpreter", "counts", "why", "rerun", "output", "stack",
                 "dependents", "links"}) | CHANGES | QUESTIONS  # fmt: skip
_HELD = frozenset({"wait", "outcomes", "output", "stack"})
_DISCARDED_MAX_BYTES = 256 << 20
_CLOSE = [(b"connection", b"close")]


class Calls:
    """Carries questions to the core and answers back. A question that is held for long holds no thread, and is
    withdrawn when its client hangs up."""

    def __init__(self, heart: Heart, gate: Gate, about: Mapping[str, Any], *, max_body_bytes: int) -> None:
        """
        Args:
            about: what `describe` tells of this server besides what the core does.
        """
        self._heart = heart
        self._gate = gate
        self._about = dict(about)
        self._max_body_bytes = max_body_bytes
        self._folder = heart.core.blobs.spool()
        self._loop = asyncio.get_running_loop()
        self._open: set[asyncio.Future[list[Buffer]]] = set()
        self._stopping = False
        self.in_flight: Callable[[], int] = lambda: 2
        """How many requests have arrived and are not answered, held questions among them; set by who listens."""
        self._at_stop: list[Callable[[], None]] = []
        self._ahead = self._look_ahead() if heart.core.blobs.far else None

    def _look_ahead(self) -> Ahead:
        """Where blobs are far, nothing waits for them in the loop's thread."""
        core, aside = self._heart.core, Aside(self._loop)
        core.door.aside, core.dispatcher.aside = aside.answer, aside.then
        local = isinstance(core.engine, LocalEngine)
        refuse = core.dispatcher.usage.refuse_early
        return Ahead(core.blobs, aside, local=local, max_bytes=self._max_body_bytes, refuse=refuse)

    async def serve(self, op: str, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        """One request. Errors of the call itself are answers with status 200; those of the door have their own."""
        body = Body(receive)
        try:
            self._gate.check_source(headers)
            caller = self._gate.admit(headers)
            _check_protocol(headers.get(b"content-type", b""))
            length = headers.get(b"content-length")
            message = await body.read(
                int(length) if length is not None else None,
                folder=self._folder,
                max_bytes=self._max_body_bytes,
            )
        except CloudException as error:
            await body.discard(_DISCARDED_MAX_BYTES)
            await send_parts(send, calls.failed(error), error.http_status, list(_CLOSE))
            return
        except Gone:
            return
        parts = await self.ask(message, caller, receive if op in _HELD else None)
        if op == "describe" and parts is not None:
            parts = self._described(parts)
        if parts is not None:
            await send_parts(send, parts)

    async def ask(self, message: Buffer, caller: Caller, receive: Receive | None = None) -> list[Buffer] | None:
        """The core's answer. With `receive`, None when the client hung up before it came."""
        if self._stopping:
            return calls.failed(_stopping())
        stored = NOTHING_STORED
        if self._ahead is not None:
            early = await self._ahead.store(message, caller.account)
            if isinstance(early, list):
                return early
            if self.stopping:
                return calls.failed(_stopping())
            stored = early
        future: asyncio.Future[list[Buffer]] = self._loop.create_future()

        def reply(parts: list[Buffer]) -> None:
            if not future.done():
                future.set_result(parts)

        try:
            alone = self.in_flight() - len(self._open) <= 1
            withdraw = self._heart.ask(message, caller.account, caller.parent_jid, reply, stored, alone=alone)
        except CloudException as error:
            return calls.failed(error)
        except Exception as error:
            log.exception("a fault in the core, while answering")
            return calls.failed(CloudException(f"a fault in the server: {error!r}; its log says where"))
        return future.result() if future.done() else await self._held(future, withdraw, receive)

    async def _held(
        self, future: asyncio.Future[list[Buffer]], withdraw: Withdraw, receive: Receive | None
    ) -> list[Buffer] | None:
        self._open.add(future)
        watch: asyncio.Future[Any] | None = None
        if receive is not None:
            watch = asyncio.ensure_future(receive())
            watch.add_done_callback(lambda _: future.cancel())
        try:
            return await future
        except asyncio.CancelledError:
            withdraw()
            if watch is not None and watch.done():
                return None
            raise
        finally:
            self._open.discard(future)

    def _described(self, parts: list[Buffer]) -> list[Buffer]:
        header, _ = decode(b"".join(parts))
        return parts if "error" in header else calls.ok({**calls.answer_of(header), **self._about})

    def at_stop(self, action: Callable[[], None]) -> None:
        """Called when the server begins to stop: for whoever answers without end."""
        self._at_stop.append(action)

    def stop(self) -> None:
        """Answer everything that is open with 'try again': the client will find the next server."""
        self._stopping = True
        for action in self._at_stop:
            action()
        for future in list(self._open):
            if not future.done():
                future.set_result(calls.failed(_stopping()))

    @property
    def about(self) -> dict[str, Any]:
        """What this server says of itself: 'version', 'protocol', 'server_id'."""
        return dict(self._about)

    @property
    def stopping(self) -> bool:
        """Whether nothing is taken in any more."""
        return self._stopping

    @property
    def held(self) -> int:
        """How many questions are open."""
        return len(self._open)


def _stopping() -> ServerUnavailable:
    return ServerUnavailable("the server is stopping; what it stored is safe", retry=True)


def _check_protocol(content_type: bytes) -> None:
    """A message of another version must not be taken for one of ours that is broken. Who says nothing is believed."""
    ours, _, _ = CONTENT_TYPE.encode().partition(b"=")
    kind, _, theirs = content_type.partition(b"=")
    if kind == ours and theirs != str(PROTOCOL).encode():
        older = "the client" if theirs.isdigit() and int(theirs) < PROTOCOL else "the server"
        raise ProtocolMismatch(
            f"the client talks in version {theirs.decode('latin-1')} of the protocol, this server in {PROTOCOL}",
            hint=f"{older} is the older one: install a newer picloud there",
        )
