"""A folder on the search path where a test writes modules, and a ledger that knows nothing yet."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cloud import pickling
from cloud.client.code.ledger import Ledger, LocalCode

Needs = Callable[..., LocalCode | None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """First on the search path; its modules are forgotten afterwards."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in (getattr(sys.modules[name], "__file__", "") or ""):
            del sys.modules[name]


@pytest.fixture
def write(project: Path) -> Callable[[str, str], Path]:
    """Write a file of the project."""

    def write(name: str, text: str = "") -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        return path

    return write


@pytest.fixture
def load(project: Path) -> Callable[[str], ModuleType]:
    """Import a module of the project."""
    return importlib.import_module


@pytest.fixture
def needs() -> Needs:
    """The code version that a call needs, of a program that has submitted nothing before."""
    ledger = Ledger()

    def needs(function: Callable[..., object], *args: object) -> LocalCode | None:
        digest, packed = pickling.dump_function(function)
        return ledger.needed("cloud.call", digest, packed, [pickling.pack_call(args, {})])

    return needs


def places(code: LocalCode | None) -> list[str]:
    """Paths of the files of a version."""
    return [] if code is None else [file.path for file in code.files]
