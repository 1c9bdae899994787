"""Where things are and who is asking: the config directory, this machine's part of it, settings of the environment.

What is read here is read when it is needed, checked once, and frozen. A value that cannot be meant is an error that
names the variable.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud.errors import CloudException


class ConfigError(CloudException, ValueError):
    """A setting has a value that cannot be meant; the message names it."""

    code = "config"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    home: str
    """The config directory, absolute: PICLOUD_HOME, else ~/.picloud3, or %APPDATA%/picloud3 on Windows."""
    url: str | None = None
    """PICLOUD_URL: the server to use instead of the embedded one."""
    api_key: str | None = None
    """PICLOUD_API_KEY."""
    api_secretkey: str | None = field(default=None, repr=False)
    """PICLOUD_API_SECRETKEY."""
    job_token: str | None = field(default=None, repr=False)
    """PICLOUD_JOB_TOKEN: set in the jobs of a server; good for that server while the job runs."""
    workers: int = 0
    """PICLOUD_WORKERS: worker processes of a server that starts by itself and of `cloud.mp`; 0: one per core."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check.

        Raises:
            ConfigError: naming the variable, its value and what is expected.
        """
        url = environment.get("PICLOUD_URL") or None
        if url is not None and not re.match(r"https?://[^/\s]", url):
            raise ConfigError(
                f"PICLOUD_URL is {url!r}; expected an address like http://localhost:8000",
                hint="unset PICLOUD_URL to use the server that starts by itself",
            )
        text = environment.get("PICLOUD_WORKERS", "").strip() or "0"
        if not text.isdecimal():
            raise ConfigError(f"PICLOUD_WORKERS is {text!r}; expected a number of processes, or 0 for one per core")
        return cls(
            home=home_directory(environment),
            url=url.rstrip("/") if url else None,
            api_key=environment.get("PICLOUD_API_KEY") or None,
            api_secretkey=environment.get("PICLOUD_API_SECRETKEY") or None,
            job_token=environment.get("PICLOUD_JOB_TOKEN") or None,
            workers=int(text),
        )


def home_directory(environment: Mapping[str, str] = os.environ) -> str:
    """The config directory, absolute; it need not exist yet."""
    if given := environment.get("PICLOUD_HOME"):
        return os.path.abspath(os.path.expanduser(given))
    if sys.platform == "win32":
        return os.path.join(environment.get("APPDATA") or os.path.expanduser("~"), "picloud3")
    return os.path.join(os.path.expanduser("~"), ".picloud3")


def state_directory(home: str) -> str:
    """Where the embedded server of this machine keeps its state; homes may be shared between machines (DESIGN D15)."""
    import platform

    name = re.sub(r"[^A-Za-z0-9._-]", "_", platform.node()) or "unknown"
    return os.path.join(home, "server", name)


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
