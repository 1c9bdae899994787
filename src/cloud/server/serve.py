"""A server in the foreground, as `picloud serve` runs it: for a team, a container or a service manager."""

import asyncio
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cloud.config import ConfigError
from cloud.server.composition import build_core, identify, new_loop
from cloud.server.folder import Folder
from cloud.server.keys import FIRST_ACCOUNT, Keys
from cloud.server.listener import bind, url_of
from cloud.server.log import log_to_stderr
from cloud.server.running import run
from cloud.server.settings import Settings, slots_of

log = logging.getLogger("cloud.server")

DATABASES = ("postgresql", "postgres")
OBJECT_STORES = ("s3", "gs", "az")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    folder: str
    """Where the state lives, absolute."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    names: tuple[str, ...] = ()
    store: str = ""
    """URL of a database that other servers may use as well; '': SQLite, in the folder."""
    blobs: str = ""
    """URL of an object store, or a folder; '': in the folder."""


def serve(wanted: Wanted) -> None:
    """Serve until SIGTERM or SIGINT. The first start makes a key and prints it once, to standard output.

    Raises:
        ConfigError: a setting cannot be.
        ServerUnavailable: another server uses the folder or the address.
    """
    settings = Settings(slots=slots_of(wanted.workers), names=(*wanted.names, wanted.host, socket.gethostname()))
    folder = Folder(wanted.folder)
    lock = folder.take()
    log_to_stderr()
    sock = bind(wanted.host, wanted.port)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_live(wanted, folder, lock, sock, settings))


async def _live(wanted: Wanted, folder: Folder, lock: int, sock: socket.socket, settings: Settings) -> None:
    url = url_of(sock)
    core = build_core(
        Path(folder.path), slots=settings.slots, url=url, lock=lock, store=wanted.store, blobs=wanted.blobs
    )
    keys = Keys(core.store)
    with core.store.transaction():  # another server of this store may start at the same moment
        made = None if keys.any() else keys.make(FIRST_ACCOUNT, "the first key of this server")
    if made is not None:
        print(
            "A key for this server, shown this once:\n"
            f"  PICLOUD_URL={url} PICLOUD_API_KEY={made.key} PICLOUD_API_SECRETKEY={made.secret}",
            flush=True,
        )
    identity = identify(core.store)

    def ready() -> None:
        folder.write_card({"url": url, "pid": os.getpid(), "version": identity.version})
        log.info("version %s, process %d, listens on %s (%s)", identity.version, os.getpid(), url, wanted.host)

    loopback = sock.getsockname()[0] in ("127.0.0.1", "::1")
    await run(core, keys, sock, settings, identity, ready=ready, leaving=folder.remove_card, any_address=not loopback)


def places(store: str | None, blobs: str | None, home: str, port: int) -> tuple[str, str, str]:
    """The folder of a server, and the URLs of its store and its blobs as `Wanted` has them.

    Args:
        store, blobs: as given with `--store` (sqlite:///PATH, a path, or postgresql://…) and `--blobs` (file:///PATH, a
            path, or s3://…, gs://…, az://…).
        home: the config directory.
        port: servers that share a database on one machine differ in it.

    Raises:
        ConfigError: a kind of place that does not exist here, or a database without a place for blobs.
    """
    if blobs is not None and urlsplit(blobs).scheme not in OBJECT_STORES:
        blobs = _path_of("--blobs", blobs, ("file",))
    if store is not None and urlsplit(store).scheme in DATABASES:
        if blobs is None:
            raise ConfigError(
                "--store names a database, which holds no large values: name a place for them that every server of "
                "this store reaches, with --blobs s3://bucket/prefix or --blobs /a/shared/folder"
            )
        return os.path.join(home, f"serve-{port}"), store, blobs
    folder = _path_of("--store", store, ("sqlite",)) if store else os.path.join(home, "serve")
    beside = os.path.join(folder, "blobs")
    if blobs is not None and "://" not in blobs and blobs != beside:
        raise ConfigError(f"--blobs is {blobs!r}; expected {beside!r}: a local store keeps its blobs beside it")
    return folder, "", blobs or ""


def _path_of(option: str, value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if not parts.scheme:
        return os.path.abspath(os.path.expanduser(value))
    if parts.scheme not in schemes or parts.netloc:
        raise ConfigError(f"{option} is {value!r}; expected a folder, as {schemes[0]}:///absolute/path or as a path")
    return os.path.abspath(unquote(parts.path))
