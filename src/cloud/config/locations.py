"""Where things are: the config directory, this machine's part of it, and what this machine is called."""

import os
import re
import sys
from collections.abc import Mapping


def home_directory(environment: Mapping[str, str] = os.environ) -> str:
    """The config directory, absolute; it need not exist yet."""
    if given := environment.get("PICLOUD_HOME"):
        path = os.path.expanduser(given)
        try:
            return os.path.abspath(path)
        except OSError:  # relative to a current directory that was removed: nothing can be there
            return path
    if sys.platform == "win32":
        return os.path.join(environment.get("APPDATA") or os.path.expanduser("~"), "picloud3")
    return os.path.join(os.path.expanduser("~"), ".picloud3")


def state_directory(home: str) -> str:
    """Where the embedded server of this machine keeps its state; homes may be shared between machines (DESIGN D15)."""
    import platform

    name = re.sub(r"[^A-Za-z0-9._-]", "_", platform.node()) or "unknown"
    return os.path.join(home, "server", name)


def give_back(path: str, home: str) -> None:
    """Under sudo with the user's own HOME, what root makes there must stay the user's."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if not (uid.isdecimal() and gid.isdecimal() and hasattr(os, "geteuid")) or os.geteuid() != 0:
        return
    try:
        if os.stat(os.path.dirname(home)).st_uid == int(uid):
            os.chown(path, int(uid), int(gid), follow_symlinks=False)  # what a link points to was not made here
    except OSError:
        return


def machine_identity() -> str:
    """Equal exactly for programs of one user on one machine; what `Environment.machine` holds."""
    return f"{_machine_id()}/{os.getuid() if hasattr(os, 'getuid') else os.environ.get('USERNAME', '')}"


def _machine_id() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii") as file:
                if text := file.read().strip():
                    return text
        except (OSError, ValueError):
            continue
    import platform

    return platform.node() or "unknown"
