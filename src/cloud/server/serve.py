"""A server in the foreground, as `picloud serve` runs it: for a team, a container or a service manager."""

import asyncio
import logging
import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from cloud.model import FIRST_ACCOUNT, Allowance
from cloud.server.composition import build_team_core, identify, new_loop
from cloud.server.configuration.sections import Configuration
from cloud.server.folder import Folder
from cloud.server.keys import Keys
from cloud.server.listener import bind, url_of
from cloud.server.log import log_to_stderr
from cloud.server.places import Places, places_of
from cloud.server.running import run
from cloud.server.settings import Settings, slots_of
from cloud.server.tls import Tls

log = logging.getLogger("cloud.server")


@dataclass(frozen=True, slots=True)
class _Started:
    """What is held by a server from before it is one."""

    places: Places
    folder: Folder
    lock: int
    sock: socket.socket
    tls: Tls | None


def serve(told: Configuration, home: str) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends it at once. The first start makes a key and prints it once, to
    standard output.

    Args:
        home: the config directory, for what the configuration does not place.

    Raises:
        ConfigError: the certificate cannot be used.
        ServerUnavailable: another server uses the folder or the address; store or cluster cannot be reached.
    """
    server = told.server
    tls = Tls(server.tls_certificate, server.tls_key) if server.tls_certificate else None
    places = places_of(told, home)
    folder = Folder(places.folder)
    lock = folder.take()
    log_to_stderr(told.logs.level, as_json=told.logs.format == "json")
    started = _Started(places, folder, lock, bind(server.host, server.port), tls)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_live(told, started))


def settings_of(told: Configuration) -> Settings:
    """How it behaves."""
    server = told.server
    reached = urlsplit(server.url).hostname
    return Settings(
        slots=slots_of(told.engine.workers),
        grace_seconds=server.grace_seconds,
        max_body_bytes=server.max_request,
        names=(*server.names, *([reached] if reached else []), server.host, socket.gethostname()),
        url_prefix=server.url_prefix,
        proxies=server.proxies,
        foreground=True,
        metrics_token=server.metrics_token,
        log_requests=told.logs.requests,
    )


async def _live(told: Configuration, started: _Started) -> None:
    sock, folder = started.sock, started.folder
    here = url_of(sock, "https" if started.tls else "http")
    url = told.server.url or here
    near = told.engine.kind == "local" and started.tls is None
    core = build_team_core(told, started.places, url=here if near else url, lock=started.lock)
    keys = Keys(core.store)
    limits = told.limits
    for accounts in (core.dispatcher.accounts, keys.accounts):
        accounts.defaults = Allowance(limits.slots, limits.queued_jobs, limits.stored_bytes, limits.files)
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
        folder.write_card({"url": here, "pid": os.getpid(), "version": identity.version})
        if started.tls and not told.server.url:
            log.warning(
                "jobs ask this server at %s: its certificate must be good for that; else set [server] url", here
            )
        log.info("version %s, process %d, listens on %s (%s)", identity.version, os.getpid(), here, told.server.host)

    loopback = sock.getsockname()[0] in ("127.0.0.1", "::1")
    await run(
        core, keys, sock, settings_of(told), identity, ready=ready, leaving=folder.remove_card,
        any_address=not loopback, tls=started.tls,
    )  # fmt: skip
