"""`python -m cloud.server.embedded --home DIR`: the server of one user on one machine (DESIGN D15).

A client starts it when it finds none, or `picloud start` does. It says through a descriptor that it is ready:
one line of JSON, {"url": ..., "pid": ...} or {"error": {...}} with the error as on the wire, then end of file.
"""

import argparse
import asyncio
import errno
import json
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloud import config
from cloud.errors import CloudException, NotAuthorised, ServerUnavailable, StoreFull, to_wire
from cloud.model import FIRST_ACCOUNT
from cloud.server.composition import build_core, identify, new_loop
from cloud.server.folder import Folder
from cloud.server.keys import Keys
from cloud.server.listener import bind, url_of
from cloud.server.log import log_to_file
from cloud.server.running import run
from cloud.server.settings import Settings, idle_seconds_from, slots_of
from cloud.wire.message import PROTOCOL

log = logging.getLogger("cloud.server")
EXIT_REFUSED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the server; returns when it has stopped. Exit code 3: refused to start, and said why."""
    given = _parse(arguments)
    announce = Announcement(given.ready_fd)
    try:
        home = os.path.abspath(given.home)
        detach(keep=announce.fd)
        return _serve(home, given.port, settings_from(given, os.environ), announce)
    except (CloudException, OSError) as error:
        refusal = error if isinstance(error, CloudException) else refusal_of(error, given.home)
        log.error("the server does not start: %s", refusal.parameter)
        announce.refused(refusal)
        print(f"picloud: {refusal}", file=sys.stderr)
        return EXIT_REFUSED
    except BaseException:
        log.critical("the server ends with a fault", exc_info=True)
        announce.refused(CloudException(f"the server could not start:\n{traceback.format_exc()}"))
        raise


def refusal_of(error: OSError, home: str) -> CloudException:
    """What a client is told when the operating system does not let the server start."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"the server cannot start: {where}{error.strerror}", hint=f"make room on the disk of {home}")
    return ServerUnavailable(f"the server cannot start: {where}{error.strerror or error}")


class Announcement:
    """Tells whoever started us how it went, once."""

    def __init__(self, fd: int | None) -> None:
        self.fd = fd

    def ready(self, url: str) -> None:
        """Requests are taken at `url`."""
        self._say({"url": url, "pid": os.getpid()})

    def refused(self, error: CloudException) -> None:
        """There will be no server."""
        self._say({"error": to_wire(error)})

    def _say(self, value: dict[str, Any]) -> None:
        if self.fd is None:
            return
        fd, self.fd = self.fd, None
        try:
            os.write(fd, json.dumps(value).encode() + b"\n")
        except OSError:
            pass  # whoever started us is gone; others will find us by server.json
        finally:
            os.close(fd)


def detach(keep: int | None) -> None:
    """Leave the session, folder and descriptors of whoever started us; their terminal and Ctrl-C are not ours."""
    try:
        os.setsid()
    except PermissionError:
        pass  # we lead our session already
    os.chdir("/")
    for fd in _open_descriptors():
        if fd > 2 and fd != keep:
            try:
                os.close(fd)
            except OSError:
                pass  # the one that listed the others
    if keep is not None:
        os.set_inheritable(keep, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)


def _open_descriptors() -> list[int]:
    """Listed, not counted up: the limit may be a thousand million."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return [int(name) for name in os.listdir(folder)]
        except OSError:
            continue
    return list(range(256))


def settings_from(given: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Arguments win over the environment.

    Raises:
        ConfigError: one of them cannot be.
    """
    workers = given.workers if given.workers is not None else config.Settings.from_environment(environment).workers
    return Settings(slots=slots_of(workers), idle_seconds=idle_seconds_from(environment))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cloud.server.embedded")
    parser.add_argument("--home", required=True, help="folder with this server's state; made if it is not there")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1; otherwise the last one, or any that is free")
    parser.add_argument("--workers", type=int, help="number of worker processes; 0: number of cores")
    parser.add_argument("--ready-fd", type=int, help="descriptor on which to say that we are ready")
    return parser.parse_args(arguments)


def _serve(home: str, port: int | None, settings: Settings, announce: Announcement) -> int:
    folder = Folder(config.state_directory(home))
    lock = folder.take()
    log_to_file(folder.log)
    folder.remove_card()  # of a predecessor that was killed
    sock = bind("127.0.0.1", port or folder.port(), fall_back=port is None)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_live(folder, lock, sock, settings, announce))
    return 0


async def _live(folder: Folder, lock: int, sock: socket.socket, settings: Settings, announce: Announcement) -> None:
    url = url_of(sock)
    folder.write_port(sock.getsockname()[1])
    core = build_core(Path(folder.path), slots=settings.slots, url=url, lock=lock)
    keys = Keys(core.store)
    key, secret = _credentials(folder, keys)
    identity = identify(core.store)

    def ready() -> None:
        folder.write_card(
            {
                "url": url, "pid": os.getpid(), "key": key, "secret": secret, "version": identity.version,
                "protocol": PROTOCOL, "server_id": identity.server_id, "started_at": time.time(),
                "executable": sys.executable,
            }
        )  # fmt: skip
        log.info("version %s, process %d, listens on %s", identity.version, os.getpid(), url)
        announce.ready(url)

    await run(core, keys, sock, settings, identity, ready=ready, leaving=folder.remove_card)


def _credentials(folder: Folder, keys: Keys) -> tuple[str, str]:
    """The key of this user: the one made at the first start, or a new one when that is lost or does not open."""
    known = folder.credentials()
    if known is not None:
        try:
            keys.account_of(*known)
            return known
        except NotAuthorised as error:
            log.warning("the key in %s is of no use (%s): making a new one", folder.path, error.parameter)
    made = keys.make(FIRST_ACCOUNT, "of the user whose server this is")
    folder.write_credentials(made.key, made.secret)
    return made.key, made.secret


if __name__ == "__main__":
    sys.exit(main())
