"""What a server is put together from."""

import asyncio
import secrets
from pathlib import Path

from cloud import __version__
from cloud.dispatch.ports import Store
from cloud.local import Core
from cloud.server.app import Identity

_SERVER_ID = "server/id"


def build_core(folder: Path, *, slots: int, url: str, lock: int | None) -> Core:
    """The core of a server on this machine: SQLite, a folder of blobs, worker processes."""
    return Core(folder, slots=slots, lock_fd=lock, server_url=url)


def identify(store: Store) -> Identity:
    """Who this server is: a name made once for each store, and the version that runs."""
    name = store.get_fact(_SERVER_ID)
    if name is None:
        name = secrets.token_hex(8)
        with store.transaction():
            store.set_fact(_SERVER_ID, name)
    return Identity(name, running_version())


def running_version() -> str:
    """Version of this very code."""
    return __version__


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
