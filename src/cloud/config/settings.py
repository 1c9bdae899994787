"""Settings: where things are and who is asking, read when it is needed, checked once, and frozen."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloud.config.locations import home_directory
from cloud.config.options import BY_NAME
from cloud.config.values import VALUES


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, by whatever means."""

    home: str
    """The config directory, absolute: PICLOUD_HOME, else ~/.picloud3, or %APPDATA%/picloud3 on Windows."""
    url: str | None = None
    """The server to use instead of the embedded one."""
    api_key: str | None = None
    api_secretkey: str | None = field(default=None, repr=False)
    job_token: str | None = field(default=None, repr=False)
    """PICLOUD_JOB_TOKEN: set in the jobs of a server; good for that server while the job runs."""
    workers: int = 0
    """Worker processes of a server that starts by itself and of `cloud.mp`; 0: one per core."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """What the environment alone says.

        Raises:
            ConfigError: naming the variable, its value and what is expected.
        """

        def find(name: str) -> Any:
            option = BY_NAME[name]
            text = environment.get(option.environment)
            return option.read(text, option.environment) if text else option.default

        return cls._of(find, environment)

    @classmethod
    def current(cls) -> "Settings":
        """What holds now for programs of this process: all layers of `cloud.config` together.

        Raises:
            ConfigError: as for `from_environment`.
        """
        return cls._of(VALUES.now, os.environ)

    @classmethod
    def without_setkey(cls) -> "Settings":
        """What held if `cloud.setkey` had not been called. Errors as for `from_environment`."""
        return cls._of(VALUES.without_setkey, os.environ)

    @classmethod
    def _of(cls, find: Callable[[str], Any], environment: Mapping[str, str]) -> "Settings":
        return cls(
            home=home_directory(environment),
            url=find("url").rstrip("/") or None,
            api_key=find("api_key") or None,
            api_secretkey=find("api_secretkey") or None,
            job_token=environment.get("PICLOUD_JOB_TOKEN") or None,
            workers=find("num_procs"),
        )
