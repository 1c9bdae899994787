"""Commands with variables: which there are, what they are bound to, and the command with values in their places."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

_VARIABLE = re.compile(r"(?<![$\\])\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Sent:
    """A local file that travels with a job."""

    name: str
    """The last part of its path."""
    data: bytes = field(repr=False)


def variables(command: str) -> set[str]:
    """Names of the variables of a template."""
    return set(_VARIABLE.findall(command))


def filled(command: str, values: Mapping[str, str]) -> str:
    """The command, with a value in the place of each variable."""
    return _VARIABLE.sub(lambda found: values[found[1]], command)


def check_names(command: str, values: Collection[str], where: str, twice: Collection[str] = ()) -> None:
    """Raises:
    ValueError: the template's variables are not exactly those that have values.
    """
    if not isinstance(command, str):
        raise TypeError(f"{where}: the command must be text, not {command!r:.80}")
    wanted = variables(command)
    if missing := sorted(wanted - set(values)):
        raise ValueError(f"{where}: no value for {_braced(missing)} in the command {command!r:.200}")
    if unused := sorted(set(values) - wanted):
        raise ValueError(f"{where}: there is no {_braced(unused)} in the command {command!r:.200}")
    if twice:
        raise ValueError(f"{where}: {_braced(sorted(twice))} has two values: one for all jobs, and one for each")


def bound(value: Any) -> str | Sent:
    """What a variable is given: text, or for '@path' the file; '@@' begins a text with one '@'.

    Raises:
        OSError: the file cannot be read.
    """
    text = value if isinstance(value, str) else str(value)
    if not text.startswith("@") or text.startswith("@@"):
        return text.removeprefix("@")
    path = os.path.expanduser(text[1:])
    with open(path, "rb") as file:
        return Sent(os.path.basename(path), file.read())


def _braced(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
