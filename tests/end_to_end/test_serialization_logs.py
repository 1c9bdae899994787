"""Serialization logs of `cloud.mp`: results and output too, written by the worker and the pool (SPEC S72)."""

import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cloud
from cloud import mp
from cloud.client import sessions
from cloud.errors import JobError
from tests.support.modules import imported


@pytest.fixture
def logged(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The config directory of a `cloud.mp` that logs."""
    mp.close()
    monkeypatch.setenv("PICLOUD_WORKERS", "1")
    monkeypatch.setenv("PICLOUD_SERIALIZE_LOGGING", "1")
    yield home
    mp.close()


def folder_of(home: Path) -> Path:
    (folder,) = (home / "datalogs" / "Multiprocessing").iterdir()
    return folder


def speak(x: int) -> list[int]:
    print("out", x)
    print("err", x, file=sys.stderr)
    return [x]


SPEAK = f"{__name__}.speak"


def test_a_call_leaves_its_result_and_output(logged: Path) -> None:
    """S72: `X.result.xml`, `.stdout`, `.stderr`; they are there when the result is."""
    assert mp.result(mp.call(speak, 3)) == [3]
    folder = folder_of(logged)
    start = folder / f"call.{SPEAK}.1"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{start.name}.{ending}"
        for ending in ("func.xml", "args.xml", "kwargs.xml", "result.xml", "result.stdout", "result.stderr")
    )
    root = ET.parse(f"{start}.result.xml").getroot()
    assert (root.tag, root.get("type"), root.get("numElements")) == ("PickledObject", "list", "1")
    assert Path(f"{start}.result.stdout").read_text() == "out 3\n"
    assert Path(f"{start}.result.stderr").read_text() == "err 3\n"


def test_a_map_leaves_those_of_each_job_counted_from_zero(logged: Path) -> None:
    """S72, D.6: results count from 0, arguments from 1."""
    assert mp.result(mp.map(speak, range(30))) == [[x] for x in range(30)]
    folder = folder_of(logged)
    start = f"map.{SPEAK}.1"
    for n in (0, 17, 29):
        assert (folder / f"{start}.jobarg_{n + 1}.xml").exists()
        assert (folder / f"{start}.jobresult_{n}.xml").exists()
        assert (folder / f"{start}.jobresult_{n}.stdout").read_text() == f"out {n}\n"
        assert (folder / f"{start}.jobresult_{n}.stderr").read_text() == f"err {n}\n"
    assert not (folder / f"{start}.jobresult_30.xml").exists()


@pytest.mark.parametrize("level", [1, 2])
def test_other_levels_leave_output_only(logged: Path, level: int) -> None:
    """S65, D.6: with `_fast_serialization` 1 or 2, func.xml, stdout and stderr."""
    mp.join(mp.call(speak, 3, _fast_serialization=level))
    assert sorted(path.name for path in folder_of(logged).iterdir()) == [
        f"call.{SPEAK}.1.func.xml", f"call.{SPEAK}.1.result.stderr", f"call.{SPEAK}.1.result.stdout",
    ]  # fmt: skip


def test_a_job_that_fails_leaves_its_output_and_no_result(logged: Path) -> None:
    def fail() -> None:
        print("before")
        raise ValueError("no")

    with pytest.raises(JobError):
        mp.result(mp.call(fail))
    start = folder_of(logged) / f"call.{__name__}.fail.1.result"
    assert Path(f"{start}.stdout").read_text() == "before\n"
    assert not Path(f"{start}.xml").exists()


def test_a_result_that_cannot_be_pickled_is_logged_and_explained(logged: Path) -> None:
    with pytest.raises(JobError) as failure:
        mp.result(mp.call(lambda: {"k": [threading.Lock()]}))
    text = str(failure.value)
    assert "The result, a dict, could not be pickled: TypeError" in text
    assert "Pickle trace:\n<PickledObject type='dict'" in text
    assert "failed_to_pickle='True' entryNum='0' type='_thread.lock'" in text
    log = (folder_of(logged) / f"call.{__name__}.lambda.1.result.xml").read_text()
    assert "failed_to_pickle='True'" in log


def test_jobs_that_submit_write_where_their_program_does(logged: Path) -> None:
    """D.6: with the number of their process before the sequence number."""

    def outer() -> list[int]:
        from cloud import mp

        result: list[int] = mp.result(mp.call(speak, 4))
        return result

    assert mp.result(mp.call(outer)) == [4]
    (inner,) = folder_of(logged).glob(f"call.{SPEAK}.P*.1.result.xml")
    assert inner.with_name(inner.name.replace(".result.xml", ".func.xml")).exists()


def test_each_opening_has_its_own_directory_and_numbers(logged: Path) -> None:
    """S66, S67: numbers count from 1 within one opening."""
    for _ in range(2):
        mp.join(mp.call(speak, 1))
        mp.close()
    folders = list((logged / "datalogs" / "Multiprocessing").iterdir())
    assert len(folders) == 2
    assert all((folder / f"call.{SPEAK}.1.result.xml").exists() for folder in folders)


def test_nothing_is_written_by_default(logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S64: `serialize_logging` is off, and then jobs' output is kept for `info` alone."""
    monkeypatch.delenv("PICLOUD_SERIALIZE_LOGGING")
    assert mp.result(mp.call(speak, 1)) == [1]
    assert not (logged / "datalogs").exists()


def test_functions_of_modules_are_named_as_the_mission_says(logged: Path, tmp_path: Path) -> None:
    """S67: `cloud.call(mymodule.foo, arg1, arg2)` makes `call.mymodule.foo.1.func.xml` and `.args.xml`, then 2."""
    with imported(tmp_path, mymodule="def foo(a, b): return a") as mymodule:
        assert mp.result([mp.call(mymodule.foo, 1, 2), mp.call(mymodule.foo, 1, 2)]) == [1, 1]
    names = {path.name for path in folder_of(logged).iterdir()}
    assert {f"call.mymodule.foo.{n}.{what}.xml" for n in (1, 2) for what in ("func", "args")} <= names


class TestResults:
    """The size limit and the levels hold for results as for arguments."""

    def test_a_result_larger_than_allowed_is_an_error(self, logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """D.3: the job becomes `error`, and the text shows what is large."""
        monkeypatch.delenv("PICLOUD_SERIALIZE_LOGGING")
        monkeypatch.setenv("PICLOUD_MAX_TRANSMIT_DATA", "2000")
        with pytest.raises(JobError) as failure:
            mp.result(mp.call(lambda n: {"large": b"x" * n, "small": [1]}, 3000))
        text = str(failure.value)
        assert "the result: Excessive data (" in text
        assert "returned; max_transmit_data allows 2000" in text
        assert "key='large'" in text
        assert mp.result(mp.map(lambda n: b"x" * n, [100, 1900])) == [b"x" * 100, b"x" * 1900]

    @pytest.mark.parametrize(("level", "works"), [(0, True), (1, True), (2, False), (5, False)])
    def test_levels(self, logged: Path, monkeypatch: pytest.MonkeyPatch, level: int, works: bool) -> None:
        """S40, S41: a lambda as result needs the enhanced pickler; the function has it at every level."""
        monkeypatch.delenv("PICLOUD_SERIALIZE_LOGGING")
        jid: Any = mp.call(lambda: lambda: 5, _fast_serialization=level)
        if works:
            assert mp.result(jid)() == 5
        else:
            with pytest.raises(JobError, match=r"(?s)could not be pickled.*With _fast_serialization=1 it can"):
                mp.result(jid)


@pytest.fixture(params=["processes", "inline"])
def simulator(home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The config directory of a simulator with settings as they are by default."""
    monkeypatch.setenv("PICLOUD_SIMULATOR_NUM_PROCS", "1")
    monkeypatch.setenv("PICLOUD_SIMULATOR_INLINE", "1" if request.param == "inline" else "0")
    before = sessions.active()
    cloud.start_simulator()
    yield home
    cloud.close()
    sessions.activate(before)


def test_the_simulator_logs_by_default(simulator: Path) -> None:
    """S64, S72: `force_serialize_logging` is on; results and output are written as by `cloud.mp`."""
    assert cloud.result(cloud.call(speak, 3)) == [3]
    assert cloud.result(cloud.map(speak, [4, 5])) == [[4], [5]]
    (folder,) = (simulator / "datalogs" / "Simulation").iterdir()
    names = {path.name for path in folder.iterdir()}
    call, several = f"call.{SPEAK}.1", f"map.{SPEAK}.1"
    assert {f"{call}.{end}" for end in ("func.xml", "args.xml", "result.xml", "result.stderr")} <= names
    assert {f"{several}.{end}" for end in ("func.xml", "jobarg_2.xml", "jobresult_1.xml")} <= names
    assert (folder / f"{several}.jobresult_1.stdout").read_text() == "out 5\n"


def test_the_simulator_explains_and_limits_results(simulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JobError, match=r"(?s)could not be pickled.*Pickle trace:"):
        cloud.result(cloud.call(threading.Lock))
    cloud.close()
    monkeypatch.setenv("PICLOUD_MAX_TRANSMIT_DATA", "2000")
    with pytest.raises(JobError, match="Excessive data"):
        cloud.result(cloud.call(lambda n: b"x" * n, 3000))
