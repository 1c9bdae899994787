"""The interpreter and surroundings of this client, which its jobs get on the same machine (DESIGN D15)."""

import os
import sys

from cloud.config import machine_identity
from cloud.model import Environment

VARIABLES = (
    "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV",
    "LANG", "LC_ALL", "TZ", "PICLOUD_HOME", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "MPLBACKEND",
)  # fmt: skip
"""Environment variables that decide which programs, libraries, formats and settings a job finds, and how many threads
and which devices its libraries use; nothing that may be a secret, because it is stored with jobs."""

_last: tuple[object, Environment] | None = None
_seen: tuple[object, dict[str, str]] = None, {}
"""All variables as they were when `VARIABLES` were read last: comparing all is quicker than reading ten."""


def surroundings() -> Environment:
    """This process's, as of now; the same object as long as nothing has changed."""
    global _last
    try:
        directory = os.getcwd()
    except OSError:  # removed under us
        directory = ""
    variables = _variables()
    now = (tuple(sys.path), directory, variables, sys.executable)
    if _last is None or _last[0] != now:
        environment = Environment(
            cache_tag=sys.implementation.cache_tag or "unknown",
            machine=machine_identity(),
            executable=sys.executable or "",
            path=_absolute(sys.path, directory),
            directory=directory,
            variables=variables,
        )
        _last = now, environment
    return _last[1]


def _variables() -> dict[str, str]:
    global _seen
    raw = getattr(os.environ, "_data", None)
    if raw is None or raw != _seen[0]:
        look_up = os.environ.get
        found = {name: value for name in VARIABLES if (value := look_up(name)) is not None}
        _seen = None if raw is None else dict(raw), found
    return _seen[1]


def _absolute(path: list[str], directory: str) -> tuple[str, ...]:
    """`sys.path` as another process can use it: '' and relative entries made absolute, doubles left out."""
    entries: dict[str, None] = {}
    for entry in path:
        if isinstance(entry, str):
            entries[os.path.join(directory, entry) if entry else directory] = None
    entries.pop("", None)
    return tuple(entries)
