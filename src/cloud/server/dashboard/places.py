"""Whose code a file is: in tracebacks and profiles the user's own stands out."""

import re

_LIBRARY = re.compile(
    r"[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+|lib64[/\\]python3\.\d+|cpython-3[^/\\]*[/\\]lib)[/\\]"
    r"|[/\\]cloud[/\\](runner|pickling|client|dispatch)[/\\]"
    r"|^<(frozen|string|__array)",
    re.IGNORECASE,
)
_TRAVELLED = re.compile(r"^.*[/\\]code-[0-9a-f]{32}[/\\]")
"""Where workers put modules that travelled with a job: always the user's."""
BUILT_IN = "~"
"""What `cProfile` has for the file of functions that are not written in Python."""

USERS, LIBRARY, COMPILED = "users", "library", "compiled"
"""The user's own code, installed code, and functions that have no file."""


def whose(file: str) -> str:
    """One of the three."""
    if file in ("", BUILT_IN):
        return COMPILED
    return LIBRARY if _LIBRARY.search(local(file)) else USERS


def local(file: str) -> str:
    """The path, without the folder that is the worker's own."""
    return _TRAVELLED.sub("", file)


def brief(file: str) -> str:
    """The last two names of a path."""
    names = re.split(r"[/\\]", local(file))
    return "/".join(names[-2:])
