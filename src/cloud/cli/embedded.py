"""What the commands know of this user's embedded server: its folder, and what server.json says."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloud.config import Settings, state_directory
from cloud.config.processes import is_alive


def state_folder() -> str:
    """The folder of this user's server on this machine."""
    return state_directory(Settings.from_environment().home)


def card() -> dict[str, Any]:
    """server.json; {} when no server runs."""
    try:
        with open(os.path.join(state_folder(), "server.json")) as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or not is_alive(int(found.get("pid", 0))):
        return {}
    return found


@contextmanager
def starting_locked(folder: str) -> Iterator[None]:
    """While this is held, no client starts a server here: whoever stops one holds it until it is gone."""
    import fcntl

    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "start.lock"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
