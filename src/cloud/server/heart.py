"""What makes the core beat inside an event loop: one thread, woken by events and deadlines only."""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from cloud.errors import ServerUnavailable
from cloud.local import Core
from cloud.model import Buffer
from cloud.server.wakeful import Wakeful
from cloud.wire.calls import NOTHING_STORED, Stored

log = logging.getLogger("cloud.server")
_AFTER_A_FAULT_SECONDS = 1.0

Withdraw = Callable[[], None]


class Heart:
    """Calls the core's `tick`, and `flush` once per turn of the loop, so that requests which arrive together share a
    transaction. Everything here runs in the loop's thread."""

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        self.core = core
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._turning = False
        self._answering = False
        self._beating = False
        self._deaf = False
        self._wakeful = Wakeful(loop)
        self.beat: Callable[[], None] = lambda: None
        """Called when something may have happened; it must be quick."""

    def start(self) -> None:
        """From now on the core lives."""
        self._beating = True
        self.core.dispatcher.rearm = self._rearm
        self._listen()
        self._tick()

    def stop(self) -> None:
        """No more ticks; what was asked and not yet carried out is carried out."""
        if not self._beating:
            return
        self._beating = False
        self._hush()
        if self._timer is not None:
            self._timer.cancel()
        self.core.door.flush()

    def ask(
        self,
        message: Buffer,
        account: int,
        parent_jid: int | None,
        reply: Callable[[list[Buffer]], None],
        stored: Stored = NOTHING_STORED,
        *,
        alone: bool = False,
    ) -> Withdraw:
        """As `Door.ask`. `alone`: no other request has arrived, so that there is none to share a transaction with."""
        answered = False
        self._wakeful.called()

        def heard(parts: list[Buffer]) -> None:
            nonlocal answered
            answered = True
            reply(parts)

        withdraw = self.core.door.ask(message, account, parent_jid, heard, stored)
        if not answered and not self._turning:
            self._turning = True
            if alone:
                self._turn()
                self._wakeful.stay()
            else:
                self._loop.call_soon(self._turn)
        return withdraw

    def _turn(self) -> None:
        """Behind everything that arrived together: carry out the changes, and mind the deadlines of what is held."""
        self._turning = False
        if not self._beating:
            return
        self.beat()
        self._answering = True
        try:
            self.core.door.flush()
        except Exception:
            log.exception("a fault in the core, while storing what was submitted")
            self._arm(time.monotonic() + _AFTER_A_FAULT_SECONDS)
        self._loop.call_soon(self._answered)

    def _answered(self) -> None:
        """The tasks that `flush` woke have run: their answers are on their way."""
        self._answering = False
        self._arm(self.core.next_deadline())

    def _wake(self) -> None:
        """Something happened in the engine. Answers go first: a tiny job may be done before its submission was
        acknowledged, and storing its outcome would keep the client waiting; the engine stays readable meanwhile."""
        if not self._answering:
            self._tick()

    def _rearm(self) -> None:
        if not self._answering:  # else it comes when they are
            self._arm(self.core.dispatcher.next_deadline())

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = float("inf")
        self.beat()
        try:
            deadline = self.core.tick()
        except ServerUnavailable as error:
            log.error("%s", error)
            deadline = time.monotonic() + _AFTER_A_FAULT_SECONDS
        except Exception:
            # A heart that stops would leave every job where it is; the store is consistent, so try again soon, but
            # not at once: what woke us may still be there.
            log.exception("a fault in the core")
            self._hush()
            self._deaf = True
            deadline = time.monotonic() + _AFTER_A_FAULT_SECONDS
        else:
            if self._deaf:
                self._deaf = False
                self._listen()
        self._arm(deadline)

    def _listen(self) -> None:
        for fd in self._ears():
            self._loop.add_reader(fd, self._wake)

    def _hush(self) -> None:
        for fd in self._ears():
            self._loop.remove_reader(fd)

    def _ears(self) -> list[int]:
        """What becomes readable when there is something for `tick` to see."""
        signals = self.core.store.signals
        return [self.core.engine.fileno()] if signals is None else [self.core.engine.fileno(), signals.fileno()]

    def _arm(self, deadline: float | None) -> None:
        """Tick at `deadline` at the latest. A later one than is armed already needs nothing: that tick re-arms."""
        if deadline is None or deadline >= self._due or not self._beating:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = deadline
        # Whole milliseconds, rounded up: uvloop rounds to the nearest, and a timer that is early only spins.
        milliseconds = math.ceil(max(0.0, deadline - time.monotonic()) * 1000)
        self._timer = self._loop.call_later(milliseconds / 1000, self._tick)
