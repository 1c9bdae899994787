"""A file of `cloud.files`: bytes under a name that the user chose."""

from dataclasses import dataclass
from datetime import datetime

LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True)
class File:
    """One version of a file. What is put under the same name later is another one, with another `fid`."""

    fid: int
    """Never given out twice by a store."""
    name: str
    """'' while it is being put."""
    size_bytes: int
    md5: str
    """Hexadecimal; '' while it is being put."""
    put_at: datetime
    """When it was complete; while it is being put, the last sign of life."""


def wrong_with(name: object) -> str | None:
    """Why this cannot be the name of a file; None when it can.

    A name is any text that, taken as a relative path, stays in its folder.
    """
    if not isinstance(name, str):
        return f"a file's name must be text, not {type(name).__name__}"
    shown = f"{name!a:.120}"
    if not name or len(name) > LONGEST_NAME:
        return f"a file cannot be called {shown}: a name has 1 to {LONGEST_NAME} characters"
    if name.startswith("/"):
        return f"a file cannot be called {shown}: a name does not begin with '/'"
    if ".." in name.split("/"):
        return f"a file cannot be called {shown}: '..' cannot be a part of a name"
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        return f"a file cannot be called {shown}: a name is text without zero characters"
    return None
