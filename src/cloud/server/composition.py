"""What a server is put together from."""

import asyncio
import secrets
from pathlib import Path

from cloud import __version__
from cloud.dispatch.ports import Blobs, Store
from cloud.errors import ServerUnavailable
from cloud.local import Core
from cloud.server.app import Identity
from cloud.stores.blobs import FolderBlobs
from cloud.stores.blobs.objects import ObjectBlobs

_SERVER_ID = "server/id"


def build_core(folder: Path, *, slots: int, url: str, lock: int | None, store: str = "", blobs: str = "") -> Core:
    """The core of a server on this machine: a store, a place for blobs, worker processes.

    Args:
        folder: what belongs to this server alone.
        store: URL of a database that servers may share; '': SQLite, in the folder.
        blobs: URL of an object store, or a folder; '': in the folder.

    Raises:
        ServerUnavailable: the database does not answer, or what is needed to talk to it is not installed.
    """
    places = _blobs(folder, blobs, shared=bool(store)) if blobs else None
    return Core(
        folder, slots=slots, lock_fd=lock, server_url=url, store=_postgres(store) if store else None, blobs=places
    )


def _postgres(url: str) -> Store:
    try:
        from cloud.stores.postgres.store import PostgresStore
    except ImportError as error:
        raise ServerUnavailable(
            f"--store names a PostgreSQL database, and psycopg, which talks to it, is not here ({error})",
            hint="install it where the server runs: pip install 'picloud[postgres]'",
        ) from None
    return PostgresStore(url)


def _blobs(folder: Path, place: str, *, shared: bool) -> Blobs:
    if "://" not in place:
        return FolderBlobs(place, shared=shared)
    return ObjectBlobs(place, folder / "cache")


def identify(store: Store) -> Identity:
    """Who this server is: a name made once for each store, and the version that runs."""
    with store.transaction():
        name = store.get_fact(_SERVER_ID)
        if name is None:
            name = secrets.token_hex(8)
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
