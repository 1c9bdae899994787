"""S57, S59: what the simulator finds out before a server does: size, what cannot travel, modules, extensions."""

import importlib
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import cloud
from cloud.client import sessions
from cloud.client.code.elsewhere import SimulationWarning

EXTENSION = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.fixture(autouse=True)
def _simulated(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "1")
    before = sessions.activate(None)
    cloud.start_simulator()
    yield
    sessions.close_all()
    cloud.set_dependency_whitelist(None)
    sessions.activate(before)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """A local package with a function, and a compiled module beside it."""
    name = f"checked_{abs(hash(request.node.name))}"
    folder = tmp_path / "code" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    module = importlib.import_module(name)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_data_that_is_too_large_is_refused() -> None:
    """S57: size limits are enforced."""
    cloud.config.max_transmit_data = 10_000
    cloud.config.commit()
    cloud.start_simulator()
    with pytest.raises(cloud.CloudException, match="Excessive data"):
        cloud.call(len, bytes(20_000))


def test_a_module_that_shadows_the_standard_librarys_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S59: module conflicts are detected, which the original did not."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "antigravity.py").write_text("def f():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    module = importlib.import_module("antigravity")
    monkeypatch.setitem(sys.modules, "antigravity", module)
    with pytest.raises(cloud.CloudException, match="shadows the standard library's"):
        cloud.call(module.f)


@pytest.mark.parametrize("inline", [False, True])
def test_modules_that_are_not_sent_are_named(local: ModuleType, inline: bool) -> None:
    """S59."""
    cloud.config.automatic_dependency_transfer = False
    cloud.config.simulator_inline = inline
    cloud.config.commit()
    cloud.start_simulator()
    with pytest.warns(SimulationWarning, match=f"not sent, .*: {local.__name__}$") as caught:
        jid = cloud.call(local.double, 4)
    assert caught[0].filename == __file__, "the warning is about the user's line"
    assert cloud.result(jid) == 8, "here it works"


def test_modules_that_the_whitelist_leaves_out_are_named(local: ModuleType) -> None:
    cloud.set_dependency_whitelist(["another"])
    with pytest.warns(SimulationWarning, match="a server must have its own"):
        cloud.call(local.double, 4)
    cloud.start_simulator(force_restart=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cloud.call(local.double, 4)


def test_compiled_modules_are_named(local: ModuleType) -> None:
    """S59: the use of an extension that another machine could not load is detected."""
    assert local.__file__ is not None
    (Path(local.__file__).parent / f"fast{EXTENSION}").write_bytes(b"\x7fELF")
    with pytest.warns(SimulationWarning, match=rf"run on {sysconfig.get_platform()} only.*fast"):
        jid = cloud.call(local.double, 4)
    assert cloud.result(jid) == 8


def test_nothing_is_said_of_what_travels(local: ModuleType) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cloud.result([cloud.call(local.double, 4), cloud.call(abs, -1), cloud.call(lambda: 3)]) == [8, 1, 3]


def test_what_is_serialized_is_logged_unasked(home: Path) -> None:
    """S64: `force_serialize_logging` switches logs on while the simulator runs."""
    cloud.result(cloud.call(abs, -1))
    (opening,) = (home / "datalogs" / "Simulation").iterdir()
    assert "call.builtins.abs.1.func.xml" in {path.name for path in opening.iterdir()}
