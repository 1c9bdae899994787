"""Where serialization logs are and what they are called (SPEC A.16, D.6)."""

import functools
import logging
import os
import re
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from cloud.client import datalogs
from cloud.client.datalogs import Datalog, Serialization, log_name, open_datalog
from cloud.client.session import Session
from cloud.pickling import CannotPickle
from tests.support.scripted_api import ScriptedApi

STAMP = r"\d{4}-\d\d-\d\d\.\d{6}(-\d+)?"


def square(x: int) -> int:
    return x * x


@pytest.fixture
def logged(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config directory, with logging on."""
    monkeypatch.setenv("PICLOUD_SERIALIZE_LOGGING", "1")
    return home


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def folder_of(home: Path, adapter: str = "HTTPConnection") -> Path:
    (folder,) = (home / "datalogs" / adapter).iterdir()
    return folder


def test_a_call_writes_function_and_arguments(logged: Path) -> None:
    """S63, S67: the sequence number counts calls of one function; the next identical call is number 2."""
    session = Session(lambda: ScriptedApi())
    session.call(square, 5)
    session.call(square, 5)
    session.call(lambda a, *, b: a, [1], b=2)
    folder = folder_of(logged)
    start = f"call.{__name__}"
    assert names(folder) == sorted(
        f"{start}.{which}.{what}.xml"
        for which in ("square.1", "square.2", "lambda.1")
        for what in ("func", "args", "kwargs")
    )
    root = ET.parse(folder / f"{start}.square.1.func.xml").getroot()
    assert (root.tag, root.get("type"), root.get("funcName")) == ("PickledObject", "function", "square")
    assert root.get("TransmittedFunctionCode") is None, "a function of a module is sent by name"
    assert ET.parse(folder / f"{start}.lambda.1.args.xml").getroot()[0].get("type") == "list"


def test_a_map_writes_each_item_counted_from_one(logged: Path) -> None:
    session = Session(lambda: ScriptedApi())
    session.map(square, (n for n in range(12)))
    start = f"map.{__name__}.square.1"
    assert names(folder_of(logged)) == sorted([f"{start}.func.xml", *(f"{start}.jobarg_{n}.xml" for n in range(1, 13))])


@pytest.mark.parametrize("level", [1, 2])
def test_only_the_function_is_logged_at_other_levels(logged: Path, level: int) -> None:
    """S42, S65: logging of arguments needs level 0."""
    session = Session(lambda: ScriptedApi())
    session.call(square, 5, _fast_serialization=level)
    session.map(square, [5], _fast_serialization=level)
    start = f"{__name__}.square.1.func.xml"
    assert names(folder_of(logged)) == [f"call.{start}", f"map.{start}"]


def test_what_could_not_be_pickled_is_logged_with_its_culprit(logged: Path) -> None:
    session = Session(lambda: ScriptedApi())
    with pytest.raises(CannotPickle):
        session.call(square, threading.Lock())
    text = (folder_of(logged) / f"call.{__name__}.square.1.args.xml").read_text()
    assert "failed_to_pickle='True'" in text


@pytest.mark.parametrize(
    ("kind", "adapter"), [("", "HTTPConnection"), ("mp", "Multiprocessing"), ("simulated", "Simulation")]
)
def test_each_opening_has_a_directory_with_its_time(logged: Path, kind: str, adapter: str) -> None:
    """S66: one per adapter and opening; a second one in the same second gets -1."""
    for _ in range(3):
        assert open_datalog(kind, datalogs.settings(kind)) is not None
    stamps = names(logged / "datalogs" / adapter)
    assert len(stamps) == 3
    assert all(re.fullmatch(STAMP, stamp) for stamp in stamps)


def test_it_is_off_by_default_and_forced_in_the_simulator(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S64: `serialize_logging` for network and mp, `force_serialize_logging` for the simulator."""
    assert open_datalog("", datalogs.settings("")) is None
    assert open_datalog("mp", datalogs.settings("mp")) is None
    assert open_datalog("simulated", datalogs.settings("simulated")) is not None
    monkeypatch.setenv("PICLOUD_FORCE_SERIALIZE_LOGGING", "0")
    assert not datalogs.settings("simulated").logging
    session = Session(lambda: ScriptedApi())
    session.call(square, 1)
    assert not (home / "datalogs" / "HTTPConnection").exists()


def test_old_directories_are_removed(logged: Path) -> None:
    """D.6: after `purge_days`."""
    folder = logged / "datalogs" / "HTTPConnection"
    old, young = "2020-01-01.000000-1", "2020-01-09.000000"
    for name, days in ((old, 8), (young, 6), ("theirs", 8)):
        (folder / name / "deep").mkdir(parents=True)
        then = time.time() - days * 86_400
        os.utime(folder / name, (then, then))
    assert open_datalog("", datalogs.settings()) is not None
    assert old not in names(folder)
    assert {young, "theirs"} <= set(names(folder))


def test_a_log_that_cannot_be_written_costs_nothing_else(
    logged: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged.parent.mkdir(exist_ok=True)
    logged.mkdir(exist_ok=True)
    (logged / "datalogs").write_text("in the way")
    session = Session(lambda: ScriptedApi())
    assert session.call(square, 5) == 1
    assert "no serialization logs" in caplog.text
    Datalog("/nonexistent/folder", Serialization()).begin("call", square)
    assert "no serialization log /nonexistent/folder" in caplog.text


class Model:
    def fit(self) -> None: ...

    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (square, f"{__name__}.square"),
        (lambda: 0, f"{__name__}.lambda"),
        (functools.partial(functools.partial(square, 1)), f"{__name__}.square"),
        (Model().fit, f"{__name__}.fit"),
        (Model, f"{__name__}.Model"),
        (Model(), f"{__name__}.Model"),
        (time.time, "time.time"),
        (int, "builtins.int"),
    ],
)
def test_names_of_functions(function: Any, name: str) -> None:
    """D.6: module and name, without < and >; the inner function of a partial; of a method its name only."""
    assert log_name(function) == name


def test_threads_get_numbers_of_their_own(tmp_path: Path) -> None:
    logs = Datalog(str(tmp_path), Serialization())
    threads = [threading.Thread(target=lambda: logs.begin("call", square)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(tmp_path)) == 20


def test_logs_show_what_the_settings_say(logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICLOUD_SHOW_PRIMITIVES", "1")
    monkeypatch.setenv("PICLOUD_SERIALIZE_LOGGING_PATH", "elsewhere")
    logging.getLogger("Cloud").debug("unused")
    session = Session(lambda: ScriptedApi())
    session.call(square, 5)
    (folder,) = (logged / "elsewhere" / "HTTPConnection").iterdir()
    text = (folder / f"call.{__name__}.square.1.args.xml").read_text()
    assert "showPrimitives='True'" in text
    assert "contents='5'" in text
