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
    gives_way: int,
    right: Sequence[int] = (),
    painted: Callable[[int, int, str], str] | None = None,
) -> list[str]:
    """A header, if headers are wanted, and a line for each row.

    Args:
        gives_way: the column that is cut first where the terminal is too narrow.
        right: columns of numbers.
        painted: given row, column and the padded text, the same in colour.
    """
    cells = [[clean(text[: 2 * _MOST]) for text in row] for row in rows]
    widths = [min(_MOST, max(map(width, column))) for column in zip(headers, *cells, strict=True)]
    if sys.stdout.isatty():
        widths = narrowed(widths, gives_way, shutil.get_terminal_size().columns - len(_GAP) * (len(widths) - 1))
    shown = [
        _GAP.join(
            paint(_fit(h, w, at in right), dim=True) for at, (h, w) in enumerate(zip(headers, widths, strict=True))
        )
    ]
    for number, row in enumerate(cells):
        texts = [_fit(text, wide, at in right) for at, (text, wide) in enumerate(zip(row, widths, strict=True))]
        texts[-1] = texts[-1] if len(row) - 1 in right else texts[-1].rstrip()
        if painted is not None:
            texts = [painted(number, at, text) for at, text in enumerate(texts)]
        shown.append(_GAP.join(texts))
    return [line.rstrip() for line in shown[0 if wants_headers() else 1 :]]


def narrowed(widths: Sequence[int], gives_way: int, room: int) -> list[int]:
    """Widths that have room together, if that can be: no other column has more than half of it, then the one that
    gives way does, then the widest."""
    if sum(widths) <= room:
        return list(widths)
    found = [wide if at == gives_way else min(wide, max(_LEAST, room // 2)) for at, wide in enumerate(widths)]
    while (over := sum(found) - room) > 0:
        widest = max(range(len(found)), key=found.__getitem__)
        at = gives_way if found[gives_way] > _LEAST else widest
        if found[at] <= _LEAST:
            break
        found[at] = max(_LEAST, found[at] - over)
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
