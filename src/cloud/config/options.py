"""Every option of `cloud.config`: its name, section, default and meaning, and which values can be meant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloud.errors import CloudException

Value = str | int | bool | list[str]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_PROCESSES = "a number of processes, or 0 for one per core"


class ConfigError(CloudException, ValueError):
    """A setting has a value that cannot be meant; the message names it."""

    code = "config"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: a variable of cloudconf.py, an attribute of `cloud.config`, a variable of the environment."""

    section: str
    name: str
    default: Value
    doc: str
    """What it does, for the comment in cloudconf.py and the reference."""
    expected: str = ""
    """What a message says of values that can be meant; made from the default's type where empty."""
    variable: str = ""
    """In the environment; PICLOUD_ and the name in capitals where empty."""
    hidden: bool = False
    """Left out of the cloudconf.py that is written for the user."""
    least: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    or_auto: bool = False
    """True, False, or the text 'auto', which is then the default."""

    @property
    def environment(self) -> str:
        """The variable of the environment."""
        return self.variable or f"PICLOUD_{self.name.upper()}"

    def read(self, value: Any, name: str = "") -> Value:
        """The value as this option's type.

        Args:
            value: from a program, cloudconf.py, or as text from the environment.
            name: what to call the option in a message.

        Raises:
            ConfigError: it cannot be meant.
        """
        found: Value | None = (_truth_or_auto if self.or_auto else _READERS[type(self.default)])(value)
        if isinstance(found, str) and self.choices:
            found = found.upper()
        if found is None or not self._allows(found):
            said = _PASSWORD.sub("//", repr(value))
            raise ConfigError(
                f"{name or self.name} is {said:.200}; expected {self.expected or self._wanted()}",
                hint=f"the default is {self.default!r}",
            )
        return found

    def _allows(self, value: Value) -> bool:
        if self.choices and value not in self.choices:
            return False
        if isinstance(value, int) and self.least is not None and value < self.least:
            return False
        return not (isinstance(value, str) and value and self.pattern) or re.match(self.pattern, str(value)) is not None

    def _wanted(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        least = "" if self.least is None else f", at least {self.least}"
        return f"{_KINDS[type(self.default)]}{least}"


def _text(value: Any) -> str | None:
    if value is None or value == "None":  # what PiCloud wrote into cloudconf.py for "not set"
        return ""
    if isinstance(value, int) and not isinstance(value, bool):  # a key
        return str(int(value))
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def _truth_or_auto(value: Any) -> bool | str | None:
    return "auto" if isinstance(value, str) and value.strip().lower() == "auto" else _truth(value)


def _names(value: Any) -> list[str] | None:
    if value is None:
        return []
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, Iterable):
        return None
    found = list(value)
    return found if all(isinstance(name, str) and name for name in found) else None


_READERS: dict[type, Any] = {str: _text, int: _number, bool: _truth, list: _names}
_KINDS = {str: "text", int: "a whole number", bool: "True or False", list: "a list of names"}


_PASSWORD = re.compile(r"//[^/@]*@")
_ADDRESS = (
    r"https?://(?:[^/\s@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/\s:@\[\]]+)"
    r"(?::(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4}))?(?:/[^\s?#]*)?\Z"
)
_A, _L, _M, _S, _T = "Account", "Logging", "Multiprocessing", "Simulation", "Transport"

OPTIONS: tuple[Option, ...] = (
    Option(_A, "api_key", "", "Key that says who is asking; '': the one that the server of this user made."),
    Option(_A, "api_secretkey", "", "Secret of the key. Better kept in the credentials folder.", hidden=True),
    Option(
        _A, "url", "", "The server to use; '': the one of this user, which starts by itself.",
        expected="an address like http://localhost:8000", pattern=_ADDRESS,
    ),
    Option(_A, "use_simulator", False, "Begin in the simulator, as after cloud.start_simulator()."),
    Option(_L, "log_filename", "cloud.log", "File of the log, in this directory."),
    Option(_L, "save_log", True, "Write the log file at all; without it, messages still reach the logger 'Cloud'."),
    Option(_L, "log_level", "INFO", f"Messages from this level up are logged: {', '.join(LEVELS)}.", choices=LEVELS),
    Option(
        _L, "print_log_level", "CRITICAL",
        "Messages from this level up are also printed to standard error; at CRITICAL nothing is.", choices=LEVELS,
    ),
    Option(
        _L, "progress", "auto",
        "Show how far a wait is, on a terminal or in a notebook; 'auto': in the main thread, and not in a web server.",
        expected="True, False or 'auto'", or_auto=True,
    ),
    Option(_L, "purge_days", 7, "Serialization logs older than this many days are removed.", least=0),
    Option(_L, "serialize_logging", False, "Log all data that is serialized and sent, as XML."),
    Option(_L, "serialize_logging_path", "datalogs/", "Folder of serialization logs, in this directory."),
    Option(_L, "serialize_debugging", True, "Show a pickle trace when something cannot be pickled.", hidden=True),
    Option(_L, "show_primitives", False, "Show short texts and numbers in serialization logs.", hidden=True),
    Option(_L, "printing_min_size", 0, "Smallest object in serialization logs, in bytes.", hidden=True, least=0),
    Option(
        _L, "show_transmitted_types_composition", False, "Show what transmitted classes are made of.", hidden=True,
    ),
    Option(
        _M, "num_procs", 0,
        "Worker processes of cloud.mp, and of the server that starts by itself; 0: one per core.",
        expected=_PROCESSES, variable="PICLOUD_WORKERS", least=0,
    ),
    Option(
        _M, "mp_cache_size_limit", 0,
        "So many finished jobs of cloud.mp are kept, older ones are forgotten; 0: all. Keep it above 1024.", least=0,
    ),
    Option(_S, "force_serialize_logging", True, "Turn serialize_logging on while the simulator runs."),
    Option(_S, "force_serialize_debugging", True, "Turn serialize_debugging on while it runs.", hidden=True),
    Option(
        _S, "simulator_num_procs", 0, "Worker processes of the simulator; 0: one per core.",
        expected=_PROCESSES, least=0,
    ),
    Option(_S, "simulator_cache_size_limit", 0, "As mp_cache_size_limit, for the simulator.", least=0),
    Option(
        _S, "simulator_inline", False,
        "Run jobs inside cloud.call and cloud.map, in this very process: breakpoint() and debuggers work in them.",
    ),
    Option(
        _T, "max_transmit_data", 1_000_000_000,
        "Most bytes of a function, of the arguments of a job, and of its result.", least=1,
    ),
    Option(_T, "automatic_dependency_transfer", True, "Send the local modules that a function needs along with it."),
    Option(_T, "extra_modules", [], "Names of further modules to send, which analysis cannot see."),
    Option(_T, "hostname", "", "Name of this machine in what jobs tell about who submitted them.", hidden=True),
)  # fmt: skip
"""All of them, in the order of cloudconf.py."""

BY_NAME = {option.name: option for option in OPTIONS}
