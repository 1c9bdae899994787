"""Local modules that travel with jobs: which files, and their content by digest (DESIGN D13)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from cloud.model.piece import Piece


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file of a code version."""

    path: str
    """Where it is below the folder that a worker has first on its search path; parts are separated by '/'."""
    digest: str
    """SHA-256 of its content, hexadecimal."""
    size_bytes: int
    executable: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether the path stays inside the folder."""
        parts = self.path.split("/")
        if any("\ud800" <= letter <= "\udfff" for letter in self.path):  # no file system of ours has such a name
            return False
        return all(part not in ("", ".", "..") for part in parts) and "\\" not in self.path and "\0" not in self.path


@dataclass(frozen=True, slots=True)
class Code:
    """A code version as a worker needs it."""

    version: str
    files: tuple[tuple[CodeFile, Piece], ...]


def version_of(files: Iterable[CodeFile]) -> str:
    """The digest that names exactly these files with this content."""
    rows = sorted([f.path, f.digest, f.size_bytes, f.executable] for f in files)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
