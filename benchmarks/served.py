"""Servers of a team for a benchmark: `picloud serve` as it is delivered, and a PostgreSQL database for it."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_SETTINGS = """
[server]
port = {port}
url = "http://127.0.0.1:{port}"
[store]
url = "{store}"
[blobs]
url = "{blobs}"
{more}
"""


class Door(NamedTuple):
    """Where a server is, and the key of its first account ('' where another server made that)."""

    url: str
    key: str
    secret: str


@contextmanager
def database() -> Iterator[str]:
    """URL of a PostgreSQL database, or '' where there is none. PICLOUD_BENCH_STORE may name one."""
    if given := os.environ.get("PICLOUD_BENCH_STORE"):
        yield given
        return
    try:
        from tests.support.postgres import Cluster

        cluster = Cluster()
    except BaseException as error:  # whatever the tests do where they cannot run
        print(f"SQLite it is: {error}", file=sys.stderr)
        yield ""
        return
    try:
        yield cluster.url()
    finally:
        cluster.close()


@contextmanager
def server(folder: Path, more: str, store: str = "", *, first: bool = True) -> Iterator[Door]:
    """A server with its files in `folder`; `more` is what its settings say besides, `store` a database. The `first` one
    of a store makes a key and says it."""
    folder.mkdir(exist_ok=True)
    settings = folder / "picloud.toml"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = _SETTINGS.format(store=store or folder / "store", blobs=folder / "blobs", port=port, more=more)
    settings.write_text(text)
    command = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(settings)]
    env = {**os.environ, "PICLOUD_HOME": str(folder / "home")}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        yield _door(process, folder / "log") if first else _answering(url, folder / "log")
    finally:
        process.terminate()
        process.communicate()


def _door(process: "subprocess.Popen[str]", log: Path) -> Door:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"PICLOUD_URL=(\S+) PICLOUD_API_KEY=(\S+) PICLOUD_API_SECRETKEY=(\S+)", line):
            return Door(*found.groups())
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def _answering(url: str, log: Path) -> Door:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5):
            return Door(url, "", "")
        time.sleep(0.05)
    raise RuntimeError(f"the server did not answer: {log.read_text()[-2000:]}")
