"""The embedded server of this user: found by its card, or started (DESIGN D15).

<home>/server/<machine>/server.json says where it is and holds this user's key; start.lock is held by whoever starts or
stops it. Starting: a small process forks, so that the server is nobody's child, and becomes the server; the server says
through a pipe that it is ready, or why not.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from cloud.client.http import Endpoint
from cloud.client.succession import made_room, should_go
from cloud.config import Settings, state_directory
from cloud.config.processes import is_alive
from cloud.errors import CloudException, ProtocolMismatch, ServerUnavailable, from_wire
from cloud.wire.message import PROTOCOL

START_SECONDS = 60.0
_TAIL_BYTES = 2000
_NOT_FOR_THE_SERVER = ("PICLOUD_URL", "PICLOUD_API_KEY", "PICLOUD_API_SECRETKEY", "PICLOUD_JOB_TOKEN")
# -S and -E make it start in a few milliseconds. It must not be a shell: shells ignore SIGINT for what they put into
# the background, and the jobs would inherit that.
_ORPHAN = "import os, sys\nif os.fork():\n os._exit(0)\nos.setsid()\nos.execv(sys.argv[1], sys.argv[1:])"


def find(settings: Settings) -> Endpoint | None:
    """Where the embedded server says it is, if it seems to be alive and need not make room; nothing is asked of it.

    Raises:
        ProtocolMismatch: it runs, but is too new.
    """
    card = _card_of_living(state_directory(settings.home))
    return _endpoint(card, settings) if card and not should_go(card) else None


def _endpoint(card: dict[str, Any], settings: Settings) -> Endpoint:
    _check_version(card)
    key, secret = card["key"], card["secret"]
    if settings.api_key is not None:
        key, secret = settings.api_key, settings.api_secretkey
    return Endpoint(card["url"], key, secret)


def own_secret(home: str, key: str) -> str | None:
    """The secret of this user's own key, if this is it."""
    card = _card(state_directory(home))
    return str(card["secret"]) if card and card["key"] == key else None


def find_or_start(settings: Settings) -> Endpoint:
    """Where the embedded server is, started if need be; it accepts connections. One that is older, or
    whose interpreter is gone, is replaced if it runs no job.

    Raises:
        ServerUnavailable: it does not start; the message holds what it said last.
        ProtocolMismatch: it runs, but its version is too far from this one.
    """
    folder = state_directory(settings.home)
    with _starting_locked(folder):
        card = _card_of_living(folder)
        if card and _accepts(card["url"]) and not (should_go(card) and made_room(card)):
            return _endpoint(card, settings)  # somebody else has just started it, or it should go and is at work
        _start(settings, folder)
        card = _card_of_living(folder)
        if not card:
            raise ServerUnavailable(f"the embedded server started, but ended at once{_last_words(folder)}")
        return _endpoint(card, settings)


def _card_of_living(folder: str) -> dict[str, Any]:
    """server.json of a server that seems to be alive, else {}."""
    card = _card(folder)
    return card if card and is_alive(card["pid"]) else {}


def _card(folder: str) -> dict[str, Any]:
    """server.json; {} when there is none that can be used."""
    try:
        with open(os.path.join(folder, "server.json"), encoding="utf-8") as file:
            card = json.load(file)
    except (OSError, ValueError):
        return {}
    wanted = {"url": str, "pid": int, "key": str, "secret": str}
    if isinstance(card, dict) and all(isinstance(card.get(name), kind) for name, kind in wanted.items()):
        return card
    return {}


def _check_version(card: dict[str, Any]) -> None:
    theirs = card.get("protocol", PROTOCOL)
    if theirs == PROTOCOL:
        return
    about = f"the embedded server (version {card.get('version', 'unknown')}, process {card['pid']})"
    if theirs < PROTOCOL:
        raise ProtocolMismatch(
            f"{about} is older than this client, and runs jobs",
            hint="`picloud stop` ends it; the next use starts a new one, with all jobs and results",
        )
    raise ProtocolMismatch(f"{about} is newer than this client", hint="upgrade picloud here: pip install -U picloud")


def _accepts(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def _starting_locked(folder: str) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:
        raise ServerUnavailable(
            "the server that starts by itself does not run on this operating system",
            hint="set PICLOUD_URL, PICLOUD_API_KEY and PICLOUD_API_SECRETKEY to use a server on another machine",
        ) from None
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        fd = os.open(os.path.join(folder, "start.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            raise _unusable(folder, error) from None
        yield
    finally:
        os.close(fd)


def _unusable(folder: str, error: OSError) -> ServerUnavailable:
    return ServerUnavailable(
        f"the folder of the embedded server, {folder}, cannot be used: {error.strerror}",
        hint="set PICLOUD_HOME to a folder that you may write to",
    )


def _start(settings: Settings, folder: str) -> None:
    """Start the server and wait until it says that it is ready."""
    if not sys.executable:
        raise ServerUnavailable(
            "the embedded server cannot be started: this program does not know its Python interpreter",
            hint="start it from a shell with `picloud start`",
        )
    reading, writing = os.pipe()
    try:
        command = [
            sys.executable, "-m", "cloud.server.embedded", "--home", settings.home, "--ready-fd", str(writing),
        ]  # fmt: skip
        with open(os.path.join(folder, "server.out"), "wb") as output:
            subprocess.run(
                [sys.executable, "-S", "-E", "-c", _ORPHAN, *command],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(settings.workers),
                pass_fds=(writing,),
            )
        os.close(writing)
        writing = -1
        said = _line(reading, folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerUnavailable(f"the embedded server cannot be started: {error}{_last_words(folder)}") from None
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    if "error" in said:
        refusal: CloudException = from_wire(said["error"])
        raise refusal


def _environment(workers: int = 0) -> dict[str, str]:
    """For the server, which has no cloudconf.py: ours, but for what names another server; the number of workers that
    is set here; and a way to find this very package."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_THE_SERVER}
    environment["PICLOUD_WORKERS"] = str(workers)
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if os.path.basename(here) not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [here, environment.get("PYTHONPATH")]))
    return environment


def _line(reading: int, folder: str) -> dict[str, Any]:
    """The one line that the server says when it is ready, or knows that it will not be."""
    until = time.monotonic() + START_SECONDS
    data = b""
    poll = select.poll()  # not `select.select`, which refuses descriptors above 1023
    poll.register(reading, select.POLLIN)
    while not data.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(1000 * left):
            raise ServerUnavailable(
                f"the embedded server was not ready within {START_SECONDS:.0f} seconds{_last_words(folder)}"
            )
        more = os.read(reading, 65536)
        if not more:
            raise ServerUnavailable(f"the embedded server ended while it started{_last_words(folder)}")
        data += more
    try:
        said: dict[str, Any] = json.loads(data)
    except ValueError:
        raise ServerUnavailable(f"the embedded server said {data!r:.200} in place of where it is") from None
    return said


def _last_words(folder: str) -> str:
    """The end of what the server printed and logged, to be put behind a message."""
    texts = []
    for name in ("server.out", "server.log"):
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.path.getsize(path) - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace").strip()
        except OSError:
            continue
        if text:
            texts.append(f"\n{path} ends with:\n{text}")
    return "".join(texts)
