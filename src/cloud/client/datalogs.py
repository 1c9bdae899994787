"""Serialization logs: what was serialized, as XML files for people to read (SPEC A.16, D.6, D.7).

    <config directory>/datalogs/<HTTPConnection|Multiprocessing|Simulation>/<YYYY-MM-DD.HHMMSS>/
        call.<module>.<function>.<n>.func.xml  .args.xml  .kwargs.xml  .result.xml  .result.stdout  .result.stderr
        map.<module>.<function>.<n>.func.xml  .jobarg_1.xml ...  .jobresult_0.xml  .jobresult_0.stdout ...

The client writes what it sends; the worker writes results, and the program of a `cloud.mp` or simulator the output of
its jobs, where the `Spec` tells them to. A log that cannot be written costs the user nothing but the log.
"""

import contextlib
import logging
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloud.config import home_directory, setting
from cloud.pickling import MAX_BYTES
from cloud.wire import worker

log = logging.getLogger("Cloud.datalogs")

FOLDERS = {"": "HTTPConnection", "mp": "Multiprocessing", "simulated": "Simulation"}
"""By kind of cloud."""


@dataclass(frozen=True, slots=True)
class Serialization:
    """What is set about serialization."""

    max_bytes: int = MAX_BYTES
    """`max_transmit_data`."""
    debugging: bool = True
    """Whether a failure shows a pickle trace."""
    logging: bool = False
    folder: str = ""
    """Where logs are; absolute."""
    purge_days: int = 7
    min_bytes: int = 0
    primitives: bool = False
    types_composition: bool = False


def settings(kind: str = "") -> Serialization:
    """What holds now for a cloud of this kind ('', 'mp', 'simulated').

    Raises:
        ConfigError: the environment says something that cannot be meant.
    """
    simulated = kind == "simulated"
    logs = setting("serialize_logging") or (simulated and setting("force_serialize_logging"))
    debugging = setting("serialize_debugging") or (simulated and setting("force_serialize_debugging"))
    return Serialization(
        max_bytes=setting("max_transmit_data"),
        debugging=bool(debugging or logs),
        logging=bool(logs),
        folder=os.path.join(home_directory(), setting("serialize_logging_path")),
        purge_days=setting("purge_days"),
        min_bytes=setting("printing_min_size"),
        primitives=setting("show_primitives"),
        types_composition=setting("show_transmitted_types_composition"),
    )


def open_datalog(kind: str, told: Serialization) -> "Datalog | None":
    """The logs of one opening of a cloud; None where there are none.

    A job of `cloud.mp` writes where its program does; one of a server writes nothing.
    """
    channel = worker.CHANNEL
    if channel is not None:
        inside = os.path.dirname(worker.DATALOG)
        return Datalog(inside, told, f"P{os.getpid()}.") if inside and channel.serves and kind != "" else None
    if not told.logging:
        return None
    folder = os.path.join(told.folder, FOLDERS.get(kind, "HTTPConnection"))
    try:
        _purge(folder, told.purge_days)
        return Datalog(_new_folder(folder), told)
    except OSError as error:
        log.warning("no serialization logs: %s", error)
        return None


class Datalog:
    """Logs of one opening. Safe to use from several threads.

    Args:
        folder: this opening's own.
        told: what is shown.
        number_prefix: put before each number; tells the jobs of a pool that submit themselves from one another.
    """

    def __init__(self, folder: str, told: Serialization, number_prefix: str = "") -> None:
        self.folder = folder
        self._told = told
        self._prefix = number_prefix
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def begin(self, kind: str, function: Callable[..., Any]) -> str:
        """Path of the next submission's logs, without their endings; writes `func.xml`."""
        name = f"{kind}.{log_name(function)}"
        with self._lock:
            self._numbers[name] += 1
            number = self._numbers[name]
        path = os.path.join(self.folder, f"{name}.{self._prefix}{number}")
        self.write(f"{path}.func.xml", function)
        return path

    def write(self, path: str, value: Any) -> None:
        """The log of a value, also of one that cannot be pickled."""
        from cloud.pickling.description import Shown
        from cloud.pickling.trace import document

        told = self._told
        shown = Shown(told.min_bytes, told.primitives, told.types_composition)
        try:
            text = document(value, shown, told.max_bytes)
            with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except Exception as error:  # an odd object, a full disk: the job itself goes on
            log.warning("no serialization log %s: %s: %s", path, type(error).__name__, error)


def log_name(function: Callable[..., Any]) -> str:
    """'module.function', fit for a file's name; of a partial, its function; of an instance, its class."""
    inner: Any = function
    while hasattr(inner, "func") and hasattr(inner, "keywords"):
        inner = inner.func
    kind = type(inner)
    module = getattr(inner, "__module__", None) or kind.__module__
    name = getattr(inner, "__name__", None) or kind.__name__
    return "".join(c for c in f"{module}.{name}" if c.isalnum() or c in "._-")[:150]


_OPENING = re.compile(r"\d{4}-\d\d-\d\d\.\d{6}(-\d+)?")


def _new_folder(folder: str) -> str:
    """A directory of its own for an opening: its time, and -1, -2, ... if that is taken."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    stamp = os.path.join(folder, time.strftime("%Y-%m-%d.%H%M%S"))
    number = 0
    while True:
        path = f"{stamp}-{number}" if number else stamp
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            number += 1
        else:
            return path


def _purge(folder: str, days: int) -> None:
    """Remove the directories of openings longer ago than that."""
    with contextlib.suppress(OSError):
        old = time.time() - days * 86_400
        for entry in os.scandir(folder):
            ours = _OPENING.fullmatch(entry.name)  # the user may have named a folder that holds other things
            if ours and entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < old:
                shutil.rmtree(entry.path, ignore_errors=True)
