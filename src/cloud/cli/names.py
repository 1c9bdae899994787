"""Functions' names, short enough for a column."""

import re


def function_text(name: str) -> str:
    """'module.function at file:line' without the place; the command alone for commands of a shell."""
    return re.sub(r" at \S+:\d+$", "", name).removeprefix("shell.")
