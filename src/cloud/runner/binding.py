"""Binding: making this process look like the place a job was submitted from."""

import importlib
import os
import sys
import types
from typing import Any


class Binding:
    """Search path, working directory and variables of one environment; set up once, since a worker never changes it."""

    def __init__(self, wanted: dict[str, Any], temporary: str, code: str = "") -> None:
        """
        Args:
            wanted: 'path', 'directory' and 'variables' of an `Environment`; empty where nothing is known.
            temporary: a folder that may be made if the directory is unknown or gone; others remove it.
            code: the folder with the local modules that travelled; '' when none did.
        """
        self._applied: dict[str, str | None] = {}
        self._asked: dict[str, str] = {}
        if wanted["path"]:
            sys.path[:] = wanted["path"]
        os.environ.update(wanted["variables"])
        if code:
            sys.path.insert(0, code)
            # Python programs that the job starts find the same modules.
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
        self._directory = wanted["directory"]
        if not self._directory or not os.path.isdir(self._directory):
            os.makedirs(temporary, exist_ok=True)
            self._directory = temporary
        sys.argv[:] = [""]
        sys.modules["__main__"] = types.ModuleType("__main__")  # the runner is not the job's main module
        importlib.invalidate_caches()

    def enter(self, variables: dict[str, str]) -> None:
        """Before a batch of jobs: back to the directory, and these variables instead of the last batch's."""
        try:
            os.chdir(self._directory)
        except OSError:
            os.chdir("/")
        if variables == self._asked:
            return
        self.leave()
        for name, value in variables.items():
            self._applied[name] = os.environ.get(name)
            os.environ[name] = value
        self._asked = variables

    def leave(self) -> None:
        """Undo the variables of the last batch."""
        for name, value in self._applied.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._applied, self._asked = {}, {}
