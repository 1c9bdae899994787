"""`picloud top` on a terminal: a screen that is drawn when the server says something, each second while jobs run."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from cloud.cli.snapshots import Listener
from cloud.cli.top_view import view
from cloud.client.http import Endpoint

_TICK_SECONDS = 1.0
_END = {b"q", b"Q", b"\x1b", b"\x04"}


def show_live(endpoint: Endpoint) -> None:
    """Until somebody presses `q` or Ctrl-C.

    Raises:
        CloudException: the server is gone, or refuses.
    """
    heard = Listener(endpoint)
    keyboard = sys.stdin.fileno()
    console = Console(highlight=False)
    with (
        _keys_at_once(keyboard),
        told_of_sizes(heard.wake),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while heard.error is None:
            busy = heard.latest is not None and bool(heard.latest["running"])
            ready, _, _ = select.select([keyboard, heard.woken], [], [], _TICK_SECONDS if busy else None)
            if keyboard in ready and os.read(keyboard, 1) in _END | {b""}:
                return
            if heard.woken in ready:
                os.read(heard.woken, 4096)
            if heard.latest is not None:
                live.update(view(heard.latest, endpoint.url, *console.size), refresh=True)
    raise heard.error


@contextmanager
def told_of_sizes(wake: Callable[[], None]) -> Iterator[None]:
    """A terminal that becomes wider or narrower is drawn anew at once."""
    before = signal.signal(signal.SIGWINCH, lambda *_: wake())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


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
