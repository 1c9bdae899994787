"""picloud logs"""

import os
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import click

from cloud.cli.embedded import state_folder
from cloud.config import Settings
from cloud.errors import ServerUnavailable

_LOOK_EVERY_SECONDS = 0.25


_EPILOG = """\b
Examples:
  picloud logs -n 20
  picloud logs --follow
"""


@click.command("logs", epilog=_EPILOG)
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(0), default=100, show_default=True, help="How many of the last lines to show."
)
def command(follow: bool, lines: int) -> None:
    """Show the log of the server of this user and machine.

    The log of another one, as PICLOUD_URL names it, is where that one runs.
    """
    another = Settings.current().url
    if another:
        raise ServerUnavailable(
            f"the log of {another} is where it runs, and only to be seen there",
            hint="there: journalctl -u picloud, docker compose logs, kubectl logs. Of a job: picloud output JID",
        )
    path = os.path.join(state_folder(), "server.log")
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        raise ServerUnavailable(f"there is no log at {path}: no server was ever started here") from None
    out = sys.stdout.buffer
    out.write(last_lines(file, max(0, lines)))
    out.flush()
    if follow:
        try:
            for piece in _added(path, file):
                out.write(piece)
                out.flush()
        except KeyboardInterrupt:
            pass


def last_lines(file: BinaryIO, count: int) -> bytes:
    """The last lines of a file, whose position is its end afterwards. Reads no more than it needs."""
    end = position = file.seek(0, os.SEEK_END)
    tail = b""
    while position > 0 and tail.count(b"\n") <= count:
        step = min(65536, position)
        position -= step
        file.seek(position)
        tail = file.read(step) + tail
    file.seek(end)
    return b"".join(tail.splitlines(keepends=True)[-count:]) if count else b""


def _added(path: str, file: BinaryIO) -> Iterator[bytes]:
    """What is appended, also when the file is replaced by a new one. A file cannot wake us, so it is looked at."""
    while True:
        piece = file.read()
        if piece:
            yield piece
            continue
        try:
            replaced = os.stat(path).st_ino != os.fstat(file.fileno()).st_ino
        except FileNotFoundError:
            replaced = False
        if replaced:
            file.close()
            file = open(path, "rb")
            continue
        time.sleep(_LOOK_EVERY_SECONDS)
