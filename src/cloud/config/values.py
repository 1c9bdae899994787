"""What each option is now: five layers, the highest that says something wins.

cloud.setkey  >  assigned and committed  >  environment  >  cloudconf.py  >  default
"""

import os
import threading
from collections.abc import Callable
from typing import Any

from cloud.config.options import BY_NAME, ConfigError, Value

_VARIABLES = {name: option.environment for name, option in BY_NAME.items()}


class Values:
    """The layers of this process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: dict[str, Value] = {}
        self._assigned: dict[str, Value] = {}
        self._committed: dict[str, Value] = {}
        self._chosen: dict[str, Value] = {}
        self._at_commit: list[Callable[[], object]] = []

    def now(self, name: str) -> Any:
        """What holds now.

        Raises:
            ConfigError: the environment's value cannot be meant.
        """
        return self._chosen[name] if name in self._chosen else self.without_setkey(name)

    def without_setkey(self, name: str) -> Any:
        """What held if `cloud.setkey` had not been called. Errors as for `now`."""
        if name in self._committed:
            return self._committed[name]
        text = os.environ.get(_VARIABLES[name])
        option = BY_NAME[name]
        if text:
            return option.read(text, option.environment)
        return self._script.get(name, option.default)

    def safe(self, name: str) -> Any:
        """As `now`, but the default in place of an error: for what must never fail."""
        try:
            return self.now(name)
        except ConfigError:
            return BY_NAME[name].default

    def shown(self, name: str) -> Any:
        """What was assigned last, committed or not, else what holds now."""
        return self._assigned[name] if name in self._assigned else self.now(name)

    def assign(self, name: str, value: Any) -> None:
        """Remember a value until it is committed.

        Raises:
            ConfigError: it cannot be meant.
        """
        found = BY_NAME[name].read(value)
        with self._lock:
            self._assigned[name] = found

    def take_script(self, values: dict[str, Value]) -> None:
        """What cloudconf.py says."""
        self._script = values

    @property
    def chosen(self) -> dict[str, Value]:
        """What `cloud.setkey` said; a copy."""
        return dict(self._chosen)

    def choose(self, chosen: dict[str, Value]) -> None:
        """What `cloud.setkey` says, in place of what it said before."""
        self._chosen = dict(chosen)

    def at_commit(self, action: Callable[[], object]) -> None:
        """Have something done at every commit."""
        self._at_commit.append(action)

    def commit(self) -> None:
        """Let assignments hold; forget `cloud.setkey`; close every cloud of this process."""
        with self._lock:
            self._committed.update(self._assigned)
            self._assigned.clear()
            self._chosen = {}
        for action in self._at_commit:
            action()


VALUES = Values()
