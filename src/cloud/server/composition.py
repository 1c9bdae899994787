"""What a server is put together from."""

import asyncio
import os
import re
import secrets
import socket
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from cloud import __version__
from cloud.dispatch.ports import Blobs, Engine, Store
from cloud.dispatch.retention import Limits
from cloud.engines.fleet.kinds import AgentType
from cloud.errors import ServerUnavailable
from cloud.local import Core
from cloud.server.app import Identity
from cloud.server.configuration.sections import Configuration
from cloud.server.places import Places
from cloud.server.settings import slots_of
from cloud.stores.blobs import FolderBlobs
from cloud.stores.blobs.objects import ObjectBlobs
from cloud.stores.sqlite import SQLiteStore

_SERVER_ID = "server/id"
CLUSTER_SECONDS = 5.0
"""How long the address of a cluster may take to answer."""


def build_core(folder: Path, *, slots: int, url: str, lock: int | None) -> Core:
    """The core of a server on this machine: SQLite, a folder of blobs, worker processes.

    Args:
        folder: what belongs to this server alone.
    """
    return Core(folder, slots=slots, lock_fd=lock, server_url=url)


def build_team_core(told: Configuration, places: Places, *, url: str, lock: int | None) -> Core:
    """The core of a server as its configuration wants it.

    Args:
        url: under which jobs reach it.
        lock: see `Core`.

    Raises:
        ServerUnavailable: the database or the cluster does not answer, or what talks to it is not installed.
    """
    folder = Path(places.folder)
    store = open_store(places)
    try:
        kept = told.retention
        limits = Limits(
            None if kept.max_age is None else timedelta(seconds=kept.max_age), kept.max_bytes, kept.max_jobs,
            kept.warn_bytes,
        )  # fmt: skip
        engine = (
            partial(_ray_engine, told, places, identify(store).server_id, url) if told.engine.kind == "ray" else None
        )
        slots = slots_of(told.engine.workers)
        blobs = open_blobs(places, shared=bool(places.store) or engine is not None)
        return Core(
            folder, slots=slots, lock_fd=lock, server_url=url, store=store, blobs=blobs, limits=limits, engine=engine
        )
    except BaseException:
        store.close()
        raise


def open_store(places: Places) -> Store:
    """PostgreSQL, or SQLite in the folder of the server.

    Raises:
        ServerUnavailable: the database does not answer, or psycopg is not installed.
    """
    if not places.store:
        return SQLiteStore(Path(places.folder) / "jobs.db")
    try:
        from cloud.stores.postgres.store import PostgresStore
    except ImportError as error:
        raise missing("the store is a PostgreSQL database, and psycopg, which talks to it", "postgres", error) from None
    return PostgresStore(places.store)


def open_blobs(places: Places, *, shared: bool) -> Blobs:
    """A folder, or an object store with a cache in the folder of the server.

    Args:
        shared: other servers or agents use it as well.
    """
    if places.blobs_are_objects:
        return ObjectBlobs(places.blobs, Path(places.folder) / "cache")
    return FolderBlobs(places.blobs, shared=shared)


def missing(what: str, extra: str, error: ImportError | str) -> ServerUnavailable:
    """The error for a package that this server needs and that is not installed."""
    return ServerUnavailable(
        f"{what}, is not here ({error})", hint=f"install it where the server runs: pip install 'picloud[{extra}]'"
    )


def answers(address: str) -> None:
    """Nothing, if something listens at the address of a Ray cluster; Ray itself would try for minutes.

    Raises:
        ServerUnavailable: nothing does.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), CLUSTER_SECONDS).close()
    except OSError as error:
        raise ServerUnavailable(
            f"the Ray cluster {address} does not answer: {error}",
            hint="start it there with: ray start --head --port=PORT",
        ) from None


def show_token(token: str) -> None:
    """Have Ray show a cluster's token, if there is one; before it is imported."""
    if token:
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", token


def _ray_engine(told: Configuration, places: Places, server_id: str, url: str, _blobs: Blobs) -> Engine:
    show_token(told.engine.token)
    if find_spec("ray") is None:
        raise missing("the engine is a Ray cluster, and ray, which talks to it", "ray", "there is no module ray")
    from cloud.engines.fleet.apart import LinesApart
    from cloud.engines.fleet.engine import FleetEngine

    engine = told.engine
    answers(engine.address)
    name = told.server.name or f"{socket.gethostname()}-{told.server.port}"
    about = {
        "blobs": places.blobs, "variables": {"PICLOUD_URL": url}, "silence_seconds": engine.leave_seconds,
    }  # fmt: skip
    named = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    lines = LinesApart(
        "cloud.server.ray_process",
        {"address": engine.address, "namespace": f"picloud-{server_id}", "server": named, "agents": about},
    )
    return FleetEngine(
        lines, slots=engine.slots, least=engine.least, most=engine.most, silent_seconds=engine.silent_seconds,
        idle_seconds=engine.idle_seconds, types=agent_types(told) or None,
    )  # fmt: skip


def agent_types(told: Configuration) -> dict[str, AgentType]:
    """Those of the settings, by name."""
    return {kind: AgentType(t.cores, t.memory, t.gpus, t.slots, t.least, t.most) for kind, t in told.types.items()}


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
