"""Jids on the command line: `12 15-20 3,4`, and `-` for what standard input says."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from cloud.model import Ranges
from cloud.model.ranges import pack

_MOST_DIGITS = 18


if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # which older versions know without brackets


class Jid(_ParamType):
    """A word that names jobs."""

    name = "jids"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        if value == "-":
            return tuple(each for word in sys.stdin.read().split() for each in self._read(word, param, ctx))
        return self._read(value, param, ctx)

    def _read(self, word: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[range, ...]:
        try:
            return read_word(word)
        except ValueError:
            self.fail(f"{word!r} names no jobs: jids are numbers, as in 12 15-20 3,4", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from cloud.cli import proposals

        return proposals.jids(incomplete)


def read_word(word: str) -> tuple[range, ...]:
    """'3,4', '15-20' (inclusive) and '15..20' as ranges.

    Raises:
        ValueError: it is none of these.
    """
    found = []
    for item in word.strip(",").split(","):
        first, dash, last = item.replace("..", "-").partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or max(len(first), len(last)) > _MOST_DIGITS:
            raise ValueError
        low, high = int(first), int(last or first)
        if high < low:
            raise ValueError
        found.append(range(low, high + 1))
    return tuple(found)


def together(words: Iterable[tuple[range, ...]]) -> Ranges:
    """All the jobs named, in the order named."""
    return pack(each for word in words for each in word)


def text_of(jids: range) -> str:
    """'12', or '15-20': what can be given to another command."""
    return f"{jids[0]}-{jids[-1]}" if len(jids) > 1 else str(jids[0])


def argument(*, required: bool = True) -> Callable[[Any], Any]:
    """The argument JIDS of a command."""
    return click.argument("jids", nargs=-1, required=required, type=Jid(), metavar="JIDS...")
