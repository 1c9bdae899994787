"""Arguments of functions on the command line: JSON where it is JSON, else text."""

import json
from collections.abc import Iterable
from typing import Any

import click


def value_of(word: str, *, as_text: bool = False) -> Any:
    """7 for '7', [1, 2] for '[1, 2]', the text itself for what is no JSON."""
    if as_text:
        return word
    try:
        return json.loads(word)
    except ValueError:
        return word


def arguments_of(words: Iterable[str], *, as_text: bool = False) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments; 'name=value' is one of the latter."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        name, equals, rest = word.partition("=")
        if equals and name.isidentifier():
            named[name] = value_of(rest, as_text=as_text)
        else:
            positional.append(value_of(word, as_text=as_text))
    return positional, named


def bindings_of(words: Iterable[str], option: str) -> dict[str, str]:
    """'NAME=VALUE' words as a mapping.

    Raises:
        click.UsageError: one is not of this form.
    """
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"{option} {word!r} is not of the form NAME=VALUE")
        if name in found:
            raise click.UsageError(f"{option} says twice what {name} is")
        found[name] = value
    return found


def listed(text: str) -> list[str]:
    r"""'a,b\,c' as ['a', 'b,c']."""
    items = [""]
    rest = iter(text)
    for char in rest:
        if char == "\\":
            following = next(rest, "")
            items[-1] += following if following == "," else char + following
        elif char == ",":
            items.append("")
        else:
            items[-1] += char
    return items
