"""A bar in a notebook's cell, drawn anew by its display handle. IPython is used where it is there, and never loaded."""

import html
import importlib
import sys
import time
from typing import Any

from cloud.client.progress_text import Counts

_DRAW_SECONDS = 0.25


def kernel() -> Any:
    """The IPython shell of this notebook, or None anywhere else."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return None
    try:
        shell = sys.modules["IPython"].get_ipython()
    except Exception:
        return None
    return shell if getattr(shell, "kernel", None) is not None else None


class Output:
    """Something shown in a cell, that can be shown differently later."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, markup: str) -> None:
        """Show this, as text and as HTML, in place of what was shown. A notebook that is gone is no error."""
        data = {"text/plain": text, "text/html": markup}
        try:
            if self._handle is None:
                show = importlib.import_module("IPython.display").display
                self._handle = show(data, raw=True, display_id=True)
            else:
                self._handle.update(data, raw=True)
        except Exception:
            return


class Bar:
    """A bar with words."""

    def __init__(self) -> None:
        self._output = Output()
        self._at = 0.0

    def show(self, counts: Counts) -> None:
        """See `Display`."""
        now = time.monotonic()
        if now - self._at >= _DRAW_SECONDS:
            self._at = now
            self._draw(counts)

    def hide(self) -> None:
        """See `Display`. What is printed goes elsewhere."""

    def end(self, counts: Counts, *, keep: bool) -> None:
        """See `Display`: a bar in a notebook stays in any case."""
        self._draw(counts)

    def _draw(self, counts: Counts) -> None:
        self._output.show(" · ".join(counts.words()), markup(counts))


def markup(counts: Counts, *, clock: bool = True) -> str:
    """A bar and words as HTML that follows the notebook's colours."""
    words = html.escape(" · ".join(counts.words(clock=clock)))
    name = f"<code>{html.escape(counts.name)}</code> " if counts.name else ""
    red = ";accent-color:#d9483b" if counts.failed else ""
    bar = (
        f'<progress max="{counts.total}" value="{counts.finished}" style="width:16em;vertical-align:middle{red}">'
        f"{counts.share:.0%}</progress> "
    )
    return f'<div style="font-variant-numeric:tabular-nums">{name}{bar if counts.total else ""}{words}</div>'


def bar() -> Bar | None:
    """A bar, if this is a notebook."""
    return Bar() if kernel() is not None else None
