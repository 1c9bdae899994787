"""`picloud top` on a terminal: a screen that is drawn when the server says something, each second while jobs run."""

import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live

from cloud.cli.snapshots import snapshots
from cloud.cli.top_view import view
from cloud.client.http import Endpoint
from cloud.errors import CloudException

_TICK_SECONDS = 1.0
_END = {b"q", b"Q", b"\x1b", b"\x04"}


class Listener:
    """Takes what the server says, in a thread; `woken` is readable when there is something new."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.latest: dict[str, Any] | None = None
        self.error: CloudException | None = None
        self.woken, self._waking = os.pipe()
        threading.Thread(target=self._listen, args=(endpoint,), daemon=True).start()

    def _listen(self, endpoint: Endpoint) -> None:
        try:
            for snapshot in snapshots(endpoint):
                self.latest = snapshot
                os.write(self._waking, b"!")
        except CloudException as error:
            self.error = error
            os.write(self._waking, b"!")


def show_live(endpoint: Endpoint) -> None:
    """Until somebody presses `q` or Ctrl-C.

    Raises:
        CloudException: the server is gone, or refuses.
    """
    heard = Listener(endpoint)
    keyboard = sys.stdin.fileno()
    console = Console(highlight=False)
    with _keys_at_once(keyboard), Live(console=console, screen=True, auto_refresh=False) as live:
        while heard.error is None:
            busy = heard.latest is not None and bool(heard.latest["running"])
            ready, _, _ = select.select([keyboard, heard.woken], [], [], _TICK_SECONDS if busy else None)
            if keyboard in ready and os.read(keyboard, 1) in _END | {b""}:
                return
            if heard.woken in ready:
                os.read(heard.woken, 4096)
            if heard.latest is not None:
                live.update(view(heard.latest, endpoint.url, console.size.height), refresh=True)
    raise heard.error


@contextmanager
def _keys_at_once(keyboard: int) -> Iterator[None]:
    """Keys come without Enter, and are not shown."""
    import termios
    import tty

    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
