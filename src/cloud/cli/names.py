"""Functions' names, short enough for a column."""

import re

COPY = ": {copy_number}; "
"""How the copies of `mapexec -k` begin that do not use their number."""


def function_text(name: str) -> str:
    """'module.function at file:line' without the place; the command alone for commands of a shell."""
    return re.sub(r" at \S+:\d+$", "", name).removeprefix("shell.").removeprefix(COPY)
