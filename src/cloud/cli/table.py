"""Tables for people: as wide as the terminal, and as what they say where there is none."""

import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence

from cloud.cli.before import wants_headers
from cloud.cli.colour import paint

_GAP = "  "
_LEAST = 8
"""A column is not made narrower than this."""
_MOST = 200
"""Nor wider than this: one long text would fill the lines of all others with space."""


def lines_of(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    gives_way: int | Sequence[int],
    whole: Sequence[int] = (),
    spare: Sequence[int] = (),
    right: Sequence[int] = (),
    painted: Callable[[int, int, str], str] | None = None,
) -> list[str]:
    """A header, if headers are wanted, and a line for each row.

    Args:
        gives_way: the column that is cut first where the terminal is too narrow; of several, always the widest.
        whole: columns that are never cut.
        spare: columns that are left out where there is no room, the first of them first.
        right: columns of numbers.
        painted: given row, column and the padded text, the same in colour.
    """
    cells = [[clean(text[: 2 * _MOST]) for text in row] for row in rows]
    widths = [min(_MOST, max(map(width, column))) for column in zip(headers, *cells, strict=True)]
    columns = dict(enumerate(widths))
    if sys.stdout.isatty():
        columns = _fitted(columns, gives_way, whole, list(spare))
    last = max(columns)
    shown = [_GAP.join(paint(_fit(headers[at], wide, at in right), dim=True) for at, wide in columns.items())]
    for number, row in enumerate(cells):
        texts = {at: _fit(row[at], wide, at in right) for at, wide in columns.items()}
        texts[last] = texts[last] if last in right else texts[last].rstrip()
        if painted is not None:
            texts = {at: painted(number, at, text) for at, text in texts.items()}
        shown.append(_GAP.join(texts.values()))
    return [line.rstrip() for line in shown[0 if wants_headers() else 1 :]]


def _fitted(
    columns: dict[int, int], gives_way: int | Sequence[int], whole: Sequence[int], spare: list[int]
) -> dict[int, int]:
    """Columns and their widths, as many and as wide as the terminal has room for."""
    terminal = shutil.get_terminal_size().columns
    first = [gives_way] if isinstance(gives_way, int) else gives_way
    while True:
        places, widths = list(columns), list(columns.values())
        room = terminal - len(_GAP) * (len(widths) - 1)
        found = narrowed(
            widths, [places.index(at) for at in first if at in columns], room, [places.index(at) for at in whole]
        )
        if sum(found) <= room or not spare:
            return dict(zip(places, found, strict=True))
        del columns[spare.pop(0)]


def narrowed(widths: Sequence[int], first: Sequence[int], room: int, whole: Sequence[int] = ()) -> list[int]:
    """Widths that have room together, if that can be: but for those that stay whole, no other column has more than half
    of it, then the first ones give way, the widest of them first, then the widest of all."""
    if sum(widths) <= room:
        return list(widths)
    most = max(_LEAST, room // 2)
    found = [wide if at in first or at in whole else min(wide, most) for at, wide in enumerate(widths)]
    while sum(found) > room:
        may = [at for at in range(len(found)) if found[at] > _LEAST and at not in whole]
        if not may:
            break
        widest = max([at for at in may if at in first] or may, key=found.__getitem__)
        found[widest] -= 1
    return found


def clean(text: str) -> str:
    """On one line, and without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _fit(text: str, wide: int, right: bool) -> str:
    if width(text) > wide:
        while width(text) > wide - 1:
            text = text[:-1]
        text += "…"
    space = " " * (wide - width(text))
    return space + text if right else text + space
