"""Colours, where somebody looks: on a terminal, unless NO_COLOR says otherwise (no-color.org)."""

import os
import sys
from typing import IO, Any

import click

OF_STATUS = {
    "waiting": "yellow", "queued": "yellow", "processing": "blue", "done": "green", "error": "red", "killed": "magenta",
    "stalled": "magenta",
}  # fmt: skip


def wanted(stream: IO[Any] | None = None) -> bool:
    """Whether what is written there may be coloured."""
    shown = sys.stdout if stream is None else stream
    return shown.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str = "", *, bold: bool = False, dim: bool = False) -> str:
    """The text in a colour, or just as it is."""
    if not wanted():
        return text
    return click.style(text, fg=colour or None, bold=bold or None, dim=dim or None)


def status(word: str) -> str:
    """The word of a status in its colour."""
    return paint(word, OF_STATUS.get(word, ""))
