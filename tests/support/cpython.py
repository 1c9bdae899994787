"""CPython's own tests, as far as this machine has them, and clouds to run them on."""

import contextlib
import importlib
import os
import shutil
import sys
import tempfile
import unittest
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from cloud.client import connect
from cloud.client.session import Session
from cloud.local import Pool
from tests.support import processes
from tests.support.waiting import eventually

SLOTS = 3
CLOUDS = ["Mp", "Server"]
"""`cloud.mp`, and a server."""
ELSEWHERE = (
    os.environ.get("CPYTHON_TESTS", ""),
    f"/usr/lib/python{sys.version_info.major}.{sys.version_info.minor}/test",
)
"""Where the tests of this version may be if the interpreter came without them."""
HOW_TO_GET = (
    "install them (Debian: libpython3-testsuite) or name the directory of Python's `test` package of this version in "
    "CPYTHON_TESTS"
)


def find(name: str) -> ModuleType | None:
    """A module of CPython's `test` package, for instance '_test_multiprocessing'; None if it is not there.

    One from elsewhere is imported under another name, which workers can import too.
    """
    for full_name in (f"test.{name}", f"cpython_{name}"):
        try:
            return importlib.import_module(full_name)
        except ImportError:
            continue
        except unittest.SkipTest:
            return None
    for folder in filter(None, ELSEWHERE):
        for path in (Path(folder) / name, Path(folder) / f"{name}.py"):
            if path.exists():
                return _from_elsewhere(path)
    return None


def _from_elsewhere(path: Path) -> ModuleType | None:
    into = Path(os.environ["PICLOUD_HOME"]).parent / "cpython"
    into.mkdir(exist_ok=True)
    name = f"cpython_{path.stem}"
    if path.is_dir():
        shutil.copytree(path, into / name, dirs_exist_ok=True)
    else:
        shutil.copy(path, into / f"{name}.py")
    if str(into) not in sys.path:
        sys.path.append(str(into))
    try:
        return importlib.import_module(name)
    except (ImportError, unittest.SkipTest):
        return None


def names_of(module: ModuleType) -> dict[str, Any]:
    """What a module defines, with its sub-modules if it is a package."""
    names = dict(vars(module))
    for folder in getattr(module, "__path__", ()):
        for path in sorted(Path(folder).glob("*.py")):
            if path.stem != "__init__":
                with contextlib.suppress(ImportError, unittest.SkipTest):
                    names |= vars(importlib.import_module(f"{module.__name__}.{path.stem}"))
    return names


@contextlib.contextmanager
def session_on(where: str) -> Iterator[Session]:
    """A session of its own on one of `CLOUDS`, with `SLOTS` slots."""
    if where == "Mp":
        session = Session(lambda: Pool(SLOTS), "conformance", where="cloud.mp", local=True)
        yield session
        session.close()
        return
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PICLOUD_HOME", home)
        patch.setenv("PICLOUD_WORKERS", str(SLOTS))
        session = connect.network_session()
        yield session
        session.close()
        processes.end([pid for pid, words in processes.marked(home).items() if "cloud.server" in words])
        eventually(lambda: not processes.marked(home), what="end of the server's workers")


class OnCloud(unittest.TestCase):
    """Tests that share one session."""

    where: ClassVar[str]
    session: ClassVar[Session]
    _ends: ClassVar[contextlib.ExitStack]

    @classmethod
    def setUpClass(cls) -> None:
        cls._ends = contextlib.ExitStack()
        cls.session = cls._ends.enter_context(session_on(cls.where))
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls._ends.close()


def adopt(
    into: dict[str, Any], tests: type, ours: type, without: Mapping[str, str], clouds: list[str] | None = None
) -> None:
    """Put a class of CPython's tests into a module once for each cloud, without some of its tests."""
    for where in clouds or CLOUDS:
        name = f"{tests.__name__.lstrip('_')}On{where}"
        left_out: dict[str, Any] = {test: None for test in without if hasattr(tests, test)}
        body = left_out | {"where": where, "__module__": into["__name__"]}
        into[name] = type(name, (ours, tests, OnCloud), body)
