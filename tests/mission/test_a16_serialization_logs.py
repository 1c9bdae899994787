"""SPEC A.16: serialization logs."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import mp, simulator
from cloud.client import connect
from cloud.client.session import Session
from tests.support.modules import imported

ADAPTERS = {"mp": "Multiprocessing", "server": "HTTPConnection", "simulator": "Simulation"}
MYMODULE = """
import sys
def foo(x, y):
    print("out")
    print("err", file=sys.stderr)
    return [x, y]
"""


@pytest.fixture(params=list(ADAPTERS))
def logging_cloud(
    request: pytest.FixtureRequest, mission_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Session, Path]]:
    """A session that logs what it serializes, and the folder of its adapter."""
    monkeypatch.setenv("PICLOUD_HOME", str(mission_home))
    monkeypatch.setenv("PICLOUD_WORKERS", "2")
    monkeypatch.setenv("PICLOUD_SERIALIZE_LOGGING", "1")
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "2")
    local = {"mp": mp._session, "simulator": simulator._session}
    session = local.get(request.param) or connect.network_session()
    session.close()
    yield session, mission_home / "datalogs" / ADAPTERS[request.param]
    session.close()


def opened(adapter: Path, before: set[Path]) -> Path:
    (folder,) = set(adapter.iterdir()) - before
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.\d{6}(-\d+)?", folder.name)
    return folder


def test_everything_that_is_sent_is_logged(logging_cloud: tuple[Session, Path], tmp_path: Path) -> None:
    """S63, S66, S67, S68: the mission's example: `cloud.call(mymodule.foo, arg1, arg2)`, twice."""
    cloud, adapter = logging_cloud
    before = set(adapter.iterdir()) if adapter.exists() else set()
    with imported(tmp_path, mymodule=MYMODULE) as mymodule:
        for _ in range(2):
            assert cloud.result(cloud.call(mymodule.foo, [1], {2: "b"})) == [[1], {2: "b"}]
    folder = opened(adapter, before)
    for number in (1, 2):
        for what in ("func", "args"):
            text = (folder / f"call.mymodule.foo.{number}.{what}.xml").read_text()
            first, second, _ = text.split("\n", 2)
            assert first == '<?xml version="1.0" encoding="utf-8"?>'
            assert second == (
                "<!-- Properties minimumObjectSizePrinted='0' typeCompositionShown='False' showPrimitives='False' -->"
            )
            assert ET.fromstring(text.partition("\n")[2]).tag == "PickledObject"
    root = ET.parse(folder / "call.mymodule.foo.1.args.xml").getroot()
    assert [element.get("type") for element in root] == ["list", "dict"]


@pytest.mark.parametrize("level", [1, 2])
def test_arguments_are_logged_at_level_0_only(logging_cloud: tuple[Session, Path], level: int) -> None:
    """S42, S65: at the other levels, the function's alone."""
    cloud, adapter = logging_cloud
    before = set(adapter.iterdir()) if adapter.exists() else set()
    assert cloud.result(cloud.call(abs, -1, _fast_serialization=level)) == 1
    names = [path.name for path in opened(adapter, before).iterdir() if path.suffix == ".xml"]
    assert names == ["call.builtins.abs.1.func.xml"]


def test_local_clouds_log_results_and_output_too(logging_cloud: tuple[Session, Path], tmp_path: Path) -> None:
    """S72: in mp and the simulator, under the same names; the network cloud has them on its server."""
    cloud, adapter = logging_cloud
    before = set(adapter.iterdir()) if adapter.exists() else set()
    with imported(tmp_path, mymodule2=MYMODULE) as mymodule:
        cloud.result(cloud.call(mymodule.foo, 1, 2))
    folder = opened(adapter, before)
    start = "call.mymodule2.foo.1.result"
    there = {path.name: path for path in folder.glob(f"{start}.*")}
    if adapter.name == "HTTPConnection":
        assert there == {}
        return
    assert ET.parse(there[f"{start}.xml"]).getroot().get("numElements") == "2"
    assert there[f"{start}.stdout"].read_text() == "out\n"
    assert there[f"{start}.stderr"].read_text() == "err\n"


def test_nothing_is_logged_by_default(cloud: Session, mission_home: Path) -> None:
    """S64: `serialize_logging` is off."""
    before = sorted(mission_home.glob("datalogs/*/*"))
    cloud.close()
    assert cloud.result(cloud.call(abs, -1)) == 1
    assert sorted(mission_home.glob("datalogs/*/*")) == before
