"""One running server: core, heart, application and listener, from start to an orderly end."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable

from cloud.local import Core
from cloud.server.app import Identity, build_app
from cloud.server.calls import Calls
from cloud.server.front import Forwarded, Prefixed
from cloud.server.gate import Gate
from cloud.server.heart import Heart
from cloud.server.keys import Keys
from cloud.server.listener import Listener
from cloud.server.operations import Operations
from cloud.server.recorder import Recorder
from cloud.server.request_log import ASGIApp, RequestLog
from cloud.server.retirement import Retirement
from cloud.server.settings import Settings
from cloud.server.tls import Tls
from cloud.wire.message import PROTOCOL

log = logging.getLogger("cloud.server")

EXIT_AT_ONCE = 130
"""Two signals: nothing was waited for."""


async def run(
    core: Core,
    keys: Keys,
    sock: socket.socket,
    settings: Settings,
    identity: Identity,
    *,
    ready: Callable[[], None],
    leaving: Callable[[], None],
    any_address: bool = False,
    tls: Tls | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or, with `settings.idle_seconds`, until nobody needs us.

    Args:
        ready: called once requests are taken.
        leaving: called when no more are, before what runs is ended.
        any_address: whether a bare address is good enough as a Host header.
        tls: the certificate, if this server speaks TLS; read again on SIGHUP, which changes nothing else.
    """
    loop = asyncio.get_running_loop()
    heart = Heart(core, loop)
    recorder = Recorder(core, loop)
    heart.beat = recorder.stir
    recorder.start()
    gate = Gate(keys, core.tokens.account_of, settings.names, any_address=any_address)
    about = {"version": identity.version, "protocol": PROTOCOL, "server_id": identity.server_id}
    calls = Calls(heart, gate, about, max_body_bytes=settings.max_body_bytes)
    end = _end_on_signals(loop, impatient=settings.foreground)
    retirement = Retirement(gate, lambda: sum(core.dispatcher.running().values()), lambda: _retire(calls, end))
    app = build_app(core, calls, gate, identity, recorder.history, retirement)
    operations = Operations(app, core, calls, gate, identity.version, token=settings.metrics_token)
    listener = _listen(app, operations, settings)
    calls.in_flight = listener.in_flight
    heart.start()
    loop.add_signal_handler(signal.SIGHUP, _nothing_to_read if tls is None else tls.reload)
    await listener.start(sock, None if tls is None else tls.context)
    idle = Idle(core, keys, listener, settings.idle_seconds, end)
    idle.start(loop)
    ready()
    try:
        await end.wait()
    finally:
        leaving()
        idle.stop()
        _end_taking(core, calls)
        await listener.stop(settings.grace_seconds)
        _let_go(core, heart, recorder)


def _end_taking(core: Core, calls: Calls) -> None:
    calls.stop()
    core.dispatcher.close()  # a job that begins now would be killed in a moment


def _let_go(core: Core, heart: Heart, recorder: Recorder) -> None:
    heart.stop()
    recorder.stop()
    core.close()
    log.info("stopped")


def _listen(app: ASGIApp, operations: Operations, settings: Settings) -> Listener:
    """A listener with what stands before the application; nothing does where nothing is asked for."""
    if settings.foreground:
        operations.start()
        app = operations
    if settings.url_prefix:
        app = Prefixed(app, settings.url_prefix)
    if settings.log_requests:
        app = RequestLog(app)
    if settings.proxies:
        app = Forwarded(app, settings.proxies)
    listener = Listener(app)
    operations.connections = lambda: listener.connections
    return listener


def _end_on_signals(loop: asyncio.AbstractEventLoop, *, impatient: bool) -> asyncio.Event:
    """With `impatient`, the second signal waits for nothing."""
    end = asyncio.Event()
    before: list[str] = []

    def on(name: str) -> None:
        if before and impatient:
            log.warning("stopping at once: %s after %s", name, before[0])
            logging.shutdown()
            os._exit(EXIT_AT_ONCE)  # workers are killed as our end of their pipe closes; the store is consistent
        before.append(name)
        _stop_for(name, end)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on, signal.Signals(number).name)
    return end


def _nothing_to_read() -> None:
    """As by `systemctl reload`, or because the terminal is gone: neither means the end."""
    log.info("SIGHUP: there is no certificate to read again")


def _retire(calls: Calls, end: asyncio.Event) -> None:
    calls.stop()
    _stop_for("a newer version wants to run", end)


def _stop_for(reason: str, end: asyncio.Event) -> None:
    log.info("stopping: %s", reason)
    end.set()


class Idle:
    """Ends a server that had no client and no unfinished job for a while; with `seconds` None, never. Looks only when
    that may be so."""

    def __init__(self, core: Core, keys: Keys, listener: Listener, seconds: float | None, end: asyncio.Event) -> None:
        self._core = core
        self._keys = keys
        self._listener = listener
        self._seconds = seconds
        self._end = end
        self._requests = -1
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after a while, and again each time something was going on."""
        if self._seconds is not None:
            self._timer = loop.call_later(self._seconds, self._look, loop)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        quiet = self._listener.requests == self._requests and self._listener.connections == 0
        if quiet and not self._unfinished():
            _stop_for(f"idle for {(self._seconds or 0) / 60:g} minutes", self._end)
            return
        self._requests = self._listener.requests
        self.start(loop)

    def _unfinished(self) -> bool:
        return any(self._core.store.of_account(account, unfinished=True) for account in self._keys.accounts_with_keys())
