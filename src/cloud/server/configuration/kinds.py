"""Kinds of settings: what a value must look like, in TOML or as text, and how to say so."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
          "tib": 1 << 40}  # fmt: skip
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:]+\]")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """Reads values.

    Args:
        expected: what to write, for a message.
        read: the value; raises ValueError when it cannot be meant.
        path: whether it is a path, which is relative to the file it stands in.
    """

    expected: str
    read: Callable[[Any], T]
    path: bool = False


def option(kind: Kind[T], default: T, doc: str, *, secret: bool = False) -> T:
    """A field of a section.

    Args:
        doc: what it does, for the reference.
        secret: it may stand in a file instead, whose path is `<name>_file`, and is never shown.
    """
    made: T = field(default=default, metadata={"kind": kind, "doc": doc, "secret": secret})
    return made


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 (as for all that cannot be meant)
    return value


def whole(least: int, most: int, what: str) -> Kind[int]:
    """A whole number in these bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(what, read)


def fraction(least: float, most: float, what: str) -> Kind[float]:
    """A number in these bounds."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError
        return float(value)

    return Kind(what, read)


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w|(?:second|minute|hour|day|week)s?)\s*", value)
        if found is None:
            raise ValueError
        value = float(found[1]) * _SECONDS[found[2][0]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e10:
        raise ValueError
    return float(value)


def _bytes(value: Any) -> int:
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", value.lower())
        if found is None or found[2] not in _UNITS:
            raise ValueError
        value = int(float(found[1]) * _UNITS[found[2]])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 62:
        raise ValueError
    return value


def choice(*words: str) -> Kind[str]:
    """One of these."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind("one of " + ", ".join(f'"{word}"' for word in words), read)


def _list_of(one: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError  # noqa: TRY004 (all that cannot be meant)
        return tuple(one(item) for item in value)

    return read


def _name(value: Any) -> str:
    if not _NAME.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _host(value: Any) -> str:
    if not re.fullmatch(r"[^\s/]+", _text(value)):  # '' would be all addresses of the machine
        raise ValueError
    return str(value)


def _network(value: Any) -> str:
    return str(ipaddress.ip_network(_text(value), strict=False))


def _url(value: Any) -> str:
    if not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#]*)?", _text(value)):
        raise ValueError
    return str(value).rstrip("/")


def _prefix(value: Any) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", _text(value)):
        raise ValueError
    return str(value).rstrip("/")


TEXT = Kind("text in quotes", _text)
PATH = Kind("a path in quotes", _text, path=True)
TRUTH = Kind("true or false", _truth)
PORT = whole(0, 65535, "a port number from 0 to 65535")
SECONDS = Kind('a number of seconds above 0, or text like "90 s", "12 h", "14 days"', _seconds)
BYTES = Kind('a number of bytes above 0, or text like "500 MB", "16 GiB"', _bytes)
HOST = Kind('an address or a name of this machine, like "127.0.0.1"', _host)
NAMES = Kind('a list of host names, like ["jobs.example.com"]', _list_of(_name))
NETWORKS = Kind('a list of addresses or networks, like ["10.0.0.5", "10.1.0.0/16"]', _list_of(_network))
URL = Kind('an address like "https://jobs.example.com"', _url)
PREFIX = Kind('a path like "/picloud"', _prefix)
