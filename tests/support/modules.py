"""Modules that exist for a test only."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def imported(folder: Path, **sources: str) -> Iterator[Any]:
    """The last of these modules, written into the folder and freshly imported; forgotten afterwards."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    sys.path.insert(0, str(folder))
    write_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        importlib.invalidate_caches()
        module = None
        for name in sources:
            module = importlib.import_module(name)
        yield module
    finally:
        sys.dont_write_bytecode = write_bytecode
        sys.path.remove(str(folder))
        for name in sources:
            sys.modules.pop(name, None)
