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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    folder: str
    """Where the state lives, absolute."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    names: tuple[str, ...] = ()


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
    core = build_core(Path(folder.path), slots=settings.slots, url=url, lock=lock)
    keys = Keys(core.store)
    if not keys.any():
        made = keys.make(FIRST_ACCOUNT, "the first key of this server")
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


def folder_of(store: str | None, blobs: str | None, home: str) -> str:
    """The folder that `--store` and `--blobs` name: sqlite:///PATH or a path, and the same folder for blobs.

    Raises:
        ConfigError: a kind of store that does not exist here (yet), or two different places.
    """
    folder = _path_of("--store", store, ("sqlite",)) if store else os.path.join(home, "serve")
    if blobs is not None and _path_of("--blobs", blobs, ("file",)) != os.path.join(folder, "blobs"):
        raise ConfigError(
            f"--blobs is {blobs!r}; expected {os.path.join(folder, 'blobs')!r}: a local store keeps its blobs beside it"
        )
    return folder


def _path_of(option: str, value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if not parts.scheme:
        return os.path.abspath(os.path.expanduser(value))
    if parts.scheme not in schemes or parts.netloc:
        raise ConfigError(f"{option} is {value!r}; expected a folder, as {schemes[0]}:///absolute/path or as a path")
    return os.path.abspath(unquote(parts.path))
