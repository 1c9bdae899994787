"""Help on terminals of less than 80 columns, where click would write 50 and let the terminal break the lines."""

import shutil
from collections.abc import Iterable

import click

_USUAL = 80
_LEAST = 24


def fit_terminal() -> None:
    """Let help be as narrow as the terminal."""
    if shutil.get_terminal_size().columns < _USUAL:
        click.Context.formatter_class = _Narrow


class _Narrow(click.HelpFormatter):
    """Texts as wide as the terminal; what options are for begins in its first half."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        found = max(_LEAST, shutil.get_terminal_size().columns - 1)
        super().__init__(indent_increment, width or found, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, min(col_max, max(10, self.width // 3)), col_spacing)
