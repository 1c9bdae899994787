"""Puts our pickler behind the names that cloudpickle's own tests use, in their process and in those that they start.

Becomes `sitecustomize.py` beside the unpacked tests.
"""

import io
import os
import pickle
import sys
import types
from typing import Any

import cloudpickle

from cloud import pickling
from cloud.pickling.pickler import Pickler


def dumps(obj: object, protocol: object = None, buffer_callback: Any = None) -> bytes:
    if buffer_callback is None:
        return b"".join(pickling.dumps(obj))
    with io.BytesIO() as file:
        Pickler(file, buffer_callback).dump(obj)
        return file.getvalue()


def dump(obj: object, file: Any, protocol: object = None, buffer_callback: Any = None) -> None:
    Pickler(file, buffer_callback).dump(obj)


class CloudPickler(Pickler):
    def __init__(self, file: Any, protocol: object = None, buffer_callback: Any = None) -> None:
        super().__init__(file, buffer_callback)


class Process:
    """As much of psutil as is asked for."""

    def __init__(self, pid: int | None = None) -> None:
        self.pid = pid or os.getpid()

    def memory_info(self) -> types.SimpleNamespace:
        with open(f"/proc/{self.pid}/statm") as file:
            return types.SimpleNamespace(rss=int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def module(name: str, **values: Any) -> Any:
    made = types.ModuleType(name)
    made.__dict__.update(values)
    sys.modules[name] = made
    return made


def cell_set(cell: types.CellType, value: object) -> None:
    cell.cell_contents = value


module("psutil", Process=Process)
cloudpickle.compat = module("cloudpickle.compat", pickle=pickle)
cloudpickle.cloudpickle.cell_set = cell_set  # gone since cloudpickle 3
cloudpickle.dumps, cloudpickle.dump, cloudpickle.loads = dumps, dump, pickling.loads
cloudpickle.CloudPickler = cloudpickle.Pickler = CloudPickler
